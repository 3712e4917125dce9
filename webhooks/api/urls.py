"""Every path of the API. No version and no trailing slash in them."""

from __future__ import annotations

from django.urls import path

from webhooks.api.views import (
    accounts,
    audit,
    consents,
    dead_letters,
    deliveries,
    documents,
    event_types,
    events,
    sources,
    webhook_actions,
    webhooks,
)

urlpatterns = [
    path("webhooks", webhooks.Webhooks.as_view(), name="api-webhooks"),
    path("webhooks/<str:id>", webhooks.Webhook.as_view(), name="api-webhook"),
    path("webhooks/<str:id>/attempts", webhooks.WebhookAttempts.as_view(), name="api-webhook-attempts"),
    path("webhooks/<str:id>/test", webhook_actions.TestWebhook.as_view(), name="api-webhook-test"),
    path("webhooks/<str:id>/rotate-secret", webhook_actions.RotateSecret.as_view(), name="api-webhook-rotate"),
    path("webhooks/<str:id>/validate", webhook_actions.ValidateWebhook.as_view(), name="api-webhook-validate"),
    path("webhooks/<str:id>/pause", webhook_actions.PauseWebhook.as_view(), name="api-webhook-pause"),
    path("webhooks/<str:id>/resume", webhook_actions.ResumeWebhook.as_view(), name="api-webhook-resume"),
    path("webhooks/<str:id>/enable", webhook_actions.EnableWebhook.as_view(), name="api-webhook-enable"),
    path("webhooks/<str:id>/disable", webhook_actions.DisableWebhook.as_view(), name="api-webhook-disable"),
    path("events", events.Events.as_view(), name="api-events"),
    path("events/batch", events.EventBatch.as_view(), name="api-event-batch"),
    path("events/<str:id>", events.OneEvent.as_view(), name="api-event"),
    path("events/<str:id>/deliveries", events.EventDeliveries.as_view(), name="api-event-deliveries"),
    path("event-types", event_types.EventTypes.as_view(), name="api-event-types"),
    path("event-types/import", event_types.ImportEventTypes.as_view(), name="api-event-type-import"),
    path("event-types/<str:id>", event_types.OneEventType.as_view(), name="api-event-type"),
    path("event-types/<str:id>/versions", event_types.EventTypeVersions.as_view(), name="api-event-type-versions"),
    path("deliveries", deliveries.Deliveries.as_view(), name="api-deliveries"),
    path("deliveries/<str:id>", deliveries.OneDelivery.as_view(), name="api-delivery"),
    path("deliveries/<str:id>/retry", deliveries.RetryDelivery.as_view(), name="api-delivery-retry"),
    path("deliveries/<str:id>/cancel", deliveries.CancelDelivery.as_view(), name="api-delivery-cancel"),
    path("dead-letters", dead_letters.DeadLetters.as_view(), name="api-dead-letters"),
    path("dead-letters/<str:id>", dead_letters.OneDeadLetter.as_view(), name="api-dead-letter"),
    path("dead-letters/<str:id>/replay", dead_letters.ReplayDeadLetter.as_view(), name="api-dead-letter-replay"),
    path(
        "dead-letters/<str:id>/discard",
        dead_letters.DiscardDeadLetter.as_view(),
        name="api-dead-letter-discard",
    ),
    path("sources", sources.Sources.as_view(), name="api-sources"),
    path("sources/<str:id>", sources.OneSource.as_view(), name="api-source"),
    path("sources/<str:id>/rotate-secret", sources.RotateSourceSecret.as_view(), name="api-source-rotate"),
    path("tenants", accounts.Tenants.as_view(), name="api-tenants"),
    path("tenants/<str:id>", accounts.OneTenant.as_view(), name="api-tenant"),
    path("api-keys", accounts.ApiKeys.as_view(), name="api-keys"),
    path("api-keys/<str:id>", accounts.OneApiKey.as_view(), name="api-key"),
    path("consents/<str:id>", consents.ConsentCallback.as_view(), name="api-consent"),
    path("audit", audit.AuditEntries.as_view(), name="api-audit"),
    path("schema", documents.schema, name="api-schema"),
    path("docs", documents.Docs.as_view(), name="api-docs"),
]
