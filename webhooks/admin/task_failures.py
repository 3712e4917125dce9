"""Task failures: Clarion's own faults, for whoever mends them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import failure_queue
from webhooks.admin import markup
from webhooks.admin.base import LedgerAdmin, operation
from webhooks.admin.filters import ChoiceFilter
from webhooks.core import ids
from webhooks.models import Endpoint, TaskFailure
from webhooks.models.failures import PREFIX
from webhooks.services import task_failures as service


class OpenFilter(ChoiceFilter):
    title = "resolution"
    parameter_name = "resolution"
    field = "resolution"
    options = {"open": "Open", "succeeded": "Succeeded later", "resolved": "Resolved by hand"}
    default = TaskFailure.Resolution.OPEN.value


class TaskFilter(ChoiceFilter):
    """The tasks that ever failed."""

    title = "task"
    parameter_name = "task"
    field = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = TaskFailure.objects.order_by("task").values_list("task", flat=True).distinct()[:50]
        self.options = {name: name for name in names}
        return list(self.options.items())


@admin.register(TaskFailure)
class TaskFailureAdmin(LedgerAdmin[TaskFailure]):
    """A task that raised something unexpected, once for all its repeats."""

    id_prefix = PREFIX
    search_ids = {PREFIX: "pk"}
    search_fields = ("pk",)
    search_help_text = "A tf_… id."
    list_display = ("short_id", "badge", "what", "why", "count", "seen", "again")
    list_filter = (OpenFilter, TaskFilter)
    actions = ("run_again", "resolve")
    buttons = ("run_again", "resolve")
    detail_template = "admin/webhooks/taskfailure/detail.html"

    @admin.display(description="resolution")
    def badge(self, obj: TaskFailure) -> SafeString:
        return markup.badge(obj.resolution)

    @admin.display(description="task and arguments")
    def what(self, obj: TaskFailure) -> SafeString:
        text = ", ".join(map(str, obj.args))
        return format_html('{}<br><small class="c-clip" title="{}">{}</small>', obj.task, text, text)

    @admin.display(description="exception")
    def why(self, obj: TaskFailure) -> SafeString:
        return format_html(
            '{}<br><small class="c-clip" title="{}">{}</small>', obj.exception, obj.sentence, obj.sentence
        )

    @admin.display(description="last seen")
    def seen(self, obj: TaskFailure) -> SafeString:
        return markup.when(obj.last_seen)

    @admin.display(description="rung again")
    def again(self, obj: TaskFailure) -> SafeString:
        waits = obj.resolution == TaskFailure.Resolution.OPEN and obj.paused_until
        return markup.when(obj.paused_until) if waits else markup.NOTHING

    def button_fits(self, name: str, obj: TaskFailure) -> bool:
        return obj.resolution == TaskFailure.Resolution.OPEN and (obj.runnable or name != "run_again")

    @operation("Run selected again", button="Run again")
    def run_again(self, request: HttpRequest, queryset: QuerySet[TaskFailure]) -> None:
        """Publish the tasks once more, with the same arguments; each is resolved when it goes through."""
        rows = list(queryset)
        count = failure_queue.run_again([row.pk for row in rows])
        self.record(request, rows, "Run again.")
        level = messages.SUCCESS if count == len(rows) else messages.WARNING
        text = f"Published {count} of {len(rows)}. Each is resolved here as soon as it goes through."
        self.message_user(request, text, level)

    @operation("Mark selected as resolved", button="Mark as resolved")
    def resolve(self, request: HttpRequest, queryset: QuerySet[TaskFailure]) -> None:
        """Somebody has dealt with it. A further failure opens a new one."""
        rows = list(queryset)
        count = service.resolve([row.pk for row in rows])
        self.record(request, rows, "Resolved.")
        level = messages.SUCCESS if count == len(rows) else messages.WARNING
        self.message_user(request, f"Resolved {count} of {len(rows)}; any others were resolved before.", level)

    def detail(self, request: HttpRequest, obj: TaskFailure) -> dict[str, Any]:
        return {"subtitle": obj.public_id, "arguments": obj.args, "endpoint": _endpoint(obj)}


def _endpoint(failure: TaskFailure) -> Endpoint | None:
    """The endpoint that a task was about, where its argument is one."""
    key = ids.parse("", str(failure.args[0])) if failure.args else None
    return Endpoint.objects.filter(pk=key).only("id", "url").first() if key else None
