"""What all of Clarion's admin pages have in common: who may act, how an action runs, how it is recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_protect

from webhooks.admin import search
from webhooks.admin.generic import ModelAdmin
from webhooks.admin.keyset import KeysetChangeList
from webhooks.core import ids
from webhooks.errors import ClarionError
from webhooks.services import actors

M = TypeVar("M", bound=Model)

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase | None]


def operation(description: str, button: str = "", needs: str = "operate") -> Callable[[Action], Action]:
    """An admin action that calls a service; a refusal becomes a message.

    ``description``: in the list of actions. ``button``: the same on the page of one object. ``needs``: ``operate``,
    or ``reveal`` for what shows a secret: see ``has_<needs>_permission``.
    """

    def decorate(function: Action) -> Action:
        @functools.wraps(function)
        def run(self: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
            try:
                return function(self, request, queryset)
            except ClarionError as error:
                self.message_user(request, str(error), messages.ERROR)
                return None

        run.__dict__["button"] = button or description.removesuffix(" selected")
        action: Action = admin.action(description=description, permissions=[needs])(run)
        return action

    return decorate


def _acting(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @functools.wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with actors.acting_as(functools.partial(actors.of_staff, request)):
            return view(request, *args, **kwargs)

    return call


class PageActionForm(ActionForm):
    """Actions work on rows that somebody has seen and ticked, never on "all" of millions."""

    def clean_select_across(self) -> bool:
        return False


class ClarionAdmin(ModelAdmin[M]):
    """Keyset paging, exact search, and actions that also stand as buttons on the object's own page.

    ``id_prefix``: of the model's shown ids. ``search_ids``: prefix -> field an id of that kind is looked up in.
    ``buttons``: names of the actions that the object's page offers. ``reveals``: adding one shows a secret, so
    there is one way to save and no next page.
    """

    action_form = PageActionForm
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    id_prefix = ""
    search_ids: Mapping[str, str] = {}
    buttons: tuple[str, ...] = ()
    reveals = False
    change_list_template = "admin/webhooks/keyset_list.html"

    class Media:
        css = {"all": ["webhooks/admin.css"]}

    # --- lists

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def list_queryset(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """Narrow the columns and fetch related rows for a page of the list."""
        return queryset

    @admin.display(description="ID")
    def short_id(self, obj: Any) -> SafeString:
        """The end of the id: UUIDv7 keys of one moment begin alike."""
        shown = ids.show(self.id_prefix, obj.pk)
        return format_html('<code title="{}">{}_…{}</code>', shown, self.id_prefix, shown[-8:])

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Attack: ``?data__contains=`` reads a column letter by letter, or scans the table. Only our filters pass."""
        return lookup in {getattr(item, "parameter_name", None) for item in self.list_filter}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        if not search_term.strip():
            return queryset, False
        condition = search.by_id(search_term, self.search_ids)
        if condition is not None:
            return queryset.filter(condition), False
        return self.search_text(queryset, search_term.strip()), False

    def search_text(self, queryset: QuerySet[M], term: str) -> QuerySet[M]:
        """Rows for a term that is no id."""
        return queryset.none()

    def search_is_exact(self, term: str) -> bool:
        """Whether the term names rows by a key, so that the time filter does not apply."""
        return search.by_id(term, self.search_ids) is not None

    def search_scans(self, term: str) -> bool:
        """Whether no index serves the search for this term."""
        return False

    # --- permissions and history

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Actions need the model's change permission, also where the rows themselves cannot be edited, or one of
        their own (``operate_…``) where acting and editing are different rights."""
        return self._permitted(request, "change") or self._permitted(request, "operate")

    def has_reveal_permission(self, request: HttpRequest) -> bool:
        """Whether the user may be shown a new secret."""
        return self._permitted(request, "reveal")

    def _permitted(self, request: HttpRequest, verb: str) -> bool:
        codename = get_permission_codename(verb, self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def get_urls(self) -> list[URLPattern]:
        """What a page changes is recorded as its user's, also in a project without Clarion's middleware."""
        patterns = super().get_urls()
        for pattern in patterns:
            pattern.callback = _acting(pattern.callback)
        return patterns

    def record(self, request: HttpRequest, objects: Iterable[Model], message: str) -> None:
        """Write who did what into the history of the objects."""
        LogEntry.objects.log_actions(cast(int, request.user.pk), list(objects), CHANGE, message)

    # --- one object

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M | None:
        """Also by the id that the API and the logs show."""
        key = ids.parse(self.id_prefix, object_id) if self.id_prefix else None
        return super().get_object(request, str(key or object_id), from_field)

    @method_decorator(csrf_protect)
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is not None and request.method == "POST" and "action" in request.POST:
            if not self.has_view_permission(request, obj):
                raise PermissionDenied
            response = self.response_action(request, self.get_queryset(request).filter(pk=obj.pk))
            return response or HttpResponseRedirect(request.get_full_path())
        context = {"buttons": self.object_buttons(request, obj)} if obj is not None else {}
        return self.show_object(request, object_id, obj, form_url, {**context, **(extra_context or {})})

    def show_object(
        self, request: HttpRequest, object_id: str, obj: M | None, form_url: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Answer everything but an action: here Django's own form."""
        return super().change_view(request, object_id, form_url, context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = not self.reveals
        context = {"show_save_and_add_another": more, "show_save_and_continue": more}
        return super().add_view(request, form_url, {**context, **(extra_context or {})})

    def not_found(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Back to the list, with a sentence."""
        self.message_user(request, f"There is no {self.opts.verbose_name} {object_id}.", messages.WARNING)
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def object_buttons(self, request: HttpRequest, obj: M) -> list[tuple[str, str]]:
        """(name, label) of the actions that make sense for this object and user."""
        allowed = self.get_actions(request)
        names = [name for name in self.buttons if name in allowed and self.button_fits(name, obj)]
        return [(name, getattr(type(self), name).button) for name in names]

    def button_fits(self, name: str, obj: M) -> bool:
        """Whether an action makes sense in the object's present state."""
        return True


class LedgerAdmin(ClarionAdmin[M]):
    """Rows that nobody edits: no add, change or delete, and a page of its own instead of a form."""

    actions_on_bottom = False
    detail_template = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Who may act on rows may also see them."""
        return super().has_view_permission(request, obj) or self.has_operate_permission(request)

    def detail(self, request: HttpRequest, obj: M) -> dict[str, Any]:
        """What the object's page shows besides ``original``."""
        raise NotImplementedError

    def show_object(
        self, request: HttpRequest, object_id: str, obj: M | None, form_url: str, context: dict[str, Any]
    ) -> HttpResponse:
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        if obj is None:
            return self.not_found(request, object_id)
        page = {
            **self.admin_site.each_context(request),
            **context,
            **self.detail(request, obj),
            "title": str(self.opts.verbose_name).capitalize(),
            "original": obj,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, self.detail_template, page)
