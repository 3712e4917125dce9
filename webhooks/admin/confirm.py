"""The page between an action and its effect: what will happen, to how many, with which options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse

from webhooks.admin.base import ClarionAdmin

FIELD = "confirmed"  # name of the button that says yes


def confirmed(request: HttpRequest) -> bool:
    """Whether this POST comes from the confirmation page."""
    return FIELD in request.POST


def confirmation(
    model_admin: ClarionAdmin[Any],
    request: HttpRequest,
    *,
    title: str,
    sentence: str,
    objects: Sequence[Any],
    button: str,
    form: forms.Form | None = None,
) -> TemplateResponse:
    """Ask. The form posts the same action for the same objects to the same URL again."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "sentence": sentence,
        "objects": objects,
        "button": button,
        "form": form,
        "field": FIELD,
        "action": request.POST.get("action", ""),
        "checkbox": ACTION_CHECKBOX_NAME,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/webhooks/confirm.html", context)


def reveal(
    model_admin: ClarionAdmin[Any],
    request: HttpRequest,
    *,
    title: str,
    sentence: str,
    secrets: Sequence[tuple[str, str]],
    back: str,
) -> TemplateResponse:
    """Show (label, secret) pairs in this one response.

    Not by a message: Django would carry it in a cookie or in the session table until the next page.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "sentence": sentence,
        "secrets": secrets,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "back": back,
    }
    response = TemplateResponse(request, "admin/webhooks/reveal.html", context)
    response["Cache-Control"] = "no-store"
    return response
