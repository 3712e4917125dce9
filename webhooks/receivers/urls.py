"""Where sources send to. No trailing slash."""

from __future__ import annotations

from django.urls import path

from webhooks.receivers.views import receive

urlpatterns = [path("<str:source_id>", receive, name="receive")]
