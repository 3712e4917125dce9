"""Django's admin and form classes with the subscript that type checkers want and Django 5.2 has not at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.forms import BaseInlineFormSet, ModelForm
else:

    class _Subscripted:
        def __class_getitem__(cls, _item: object) -> type:
            return cls

    class ModelAdmin(_Subscripted, admin.ModelAdmin):
        pass

    class TabularInline(_Subscripted, admin.TabularInline):
        pass

    class BaseInlineFormSet(_Subscripted, forms.BaseInlineFormSet):
        pass

    class ModelForm(_Subscripted, forms.ModelForm):
        pass


__all__ = ["BaseInlineFormSet", "ModelAdmin", "ModelForm", "TabularInline"]
