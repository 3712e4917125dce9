import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import webhooks.core.ids
import webhooks.models.endpoints
import webhooks.models.fields
from django.db import migrations, models
from webhooks.models.partitions import CreatePartitionedModel, create_first_partitions


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "url",
                    models.TextField(help_text="https, unless http is allowed.", max_length=2048, verbose_name="URL"),
                ),
                ("description", models.CharField(blank=True, max_length=500)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "Active"), ("paused", "Paused"), ("disabled", "Disabled")],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("disabled_reason", models.CharField(blank=True, max_length=200)),
                (
                    "version",
                    models.CharField(
                        blank=True, help_text="Pins the endpoint to a version of its event types.", max_length=32
                    ),
                ),
                (
                    "payload_format",
                    models.CharField(
                        choices=[("envelope", "Envelope (id, type, data, metadata)"), ("data", "Only the data")],
                        default="envelope",
                        max_length=24,
                    ),
                ),
                ("content_type", models.CharField(default="application/json", max_length=100)),
                (
                    "signature_schemes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=24),
                        default=webhooks.models.endpoints.default_schemes,
                        size=None,
                    ),
                ),
                ("headers", webhooks.models.fields.EncryptedJSONField(blank=True, default=dict)),
                (
                    "auth",
                    webhooks.models.fields.EncryptedJSONField(blank=True, default=webhooks.models.endpoints.no_auth),
                ),
                (
                    "retry_policy",
                    models.JSONField(
                        default=webhooks.models.endpoints.default_policy,
                        help_text='A name, or {"schedule": [10, 60], "jitter": 0.1}.',
                    ),
                ),
                ("retry_client_errors", models.BooleanField(default=False, help_text="Retry 3xx and 4xx as well.")),
                ("timeout", models.PositiveSmallIntegerField(default=15, help_text="Seconds for the whole request.")),
                (
                    "rate_limit",
                    models.JSONField(blank=True, help_text='{"limit": 100, "period": 1}; empty: none.', null=True),
                ),
                ("max_in_flight", models.PositiveSmallIntegerField(default=8, help_text="Parallel requests at most.")),
                ("ordered", models.BooleanField(default=False, help_text="One at a time, in the order of events.")),
                ("batch", models.JSONField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("state_changed_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "endpoint",
                "ordering": ("-id",),
            },
        ),
        CreatePartitionedModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.CharField(blank=True, help_text="The publisher's own id.", max_length=128, null=True)),
                ("type", models.CharField(max_length=128)),
                ("version", models.CharField(blank=True, max_length=32)),
                ("data", models.BinaryField()),
                ("metadata", models.JSONField(default=dict)),
                (
                    "channels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=128), default=list, size=None
                    ),
                ),
                ("correlation_id", models.CharField(blank=True, max_length=128)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("api", "Api"),
                            ("library", "Library"),
                            ("inbound", "Inbound"),
                            ("test", "Test"),
                            ("operational", "Operational"),
                        ],
                        default="api",
                        max_length=12,
                    ),
                ),
                ("created_at", models.DateTimeField(help_text="When it happened, as the publisher says.")),
                ("fanned_out_at", models.DateTimeField(null=True)),
                ("matched", models.PositiveIntegerField(default=0, help_text="Deliveries made by the fan-out.")),
                ("routing", models.JSONField(default=list)),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "slug",
                    models.SlugField(help_text="Short name used in URLs and headers.", max_length=64, unique=True),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "metadata",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Sent with each delivery under metadata.tenant; no secrets here.",
                    ),
                ),
                ("active", models.BooleanField(default=True, help_text="Off: the tenant's API keys stop working.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        CreatePartitionedModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("sending", "Sending"),
                            ("succeeded", "Succeeded"),
                            ("dead", "Dead"),
                            ("cancelled", "Cancelled"),
                            ("held", "Held"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("event", "Event"),
                            ("retry", "Retry"),
                            ("manual", "Manual"),
                            ("replay", "Replay"),
                            ("test", "Test"),
                        ],
                        default="event",
                        max_length=8,
                    ),
                ),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("lease_token", models.UUIDField(null=True)),
                ("response_status", models.PositiveSmallIntegerField(help_text="Of the last attempt.", null=True)),
                (
                    "reason",
                    models.CharField(blank=True, help_text="Why it is dead, held or cancelled.", max_length=200),
                ),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("dead_lettered_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="webhooks.event",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="EndpointSecret",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("value", webhooks.models.fields.EncryptedTextField(editable=False)),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now)),
                ("valid_until", models.DateTimeField(blank=True, help_text="Empty: until it is rotated.", null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="webhooks.endpoint"
                    ),
                ),
            ],
            options={
                "ordering": ("-valid_from",),
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("provider", models.CharField(max_length=24)),
                ("secrets", webhooks.models.fields.EncryptedJSONField(default=list)),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sources", to="webhooks.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.AddField(
            model_name="event",
            name="tenant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="webhooks.tenant",
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="endpoints", to="webhooks.tenant"
            ),
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event_type", models.CharField(max_length=128)),
                ("reason", models.CharField(max_length=200)),
                ("response_status", models.PositiveSmallIntegerField(null=True)),
                ("attempt_count", models.PositiveSmallIntegerField()),
                (
                    "resolution",
                    models.CharField(
                        choices=[("open", "Open"), ("replayed", "Replayed"), ("discarded", "Discarded")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("resolved_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "delivery",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="dead_letter",
                        to="webhooks.delivery",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dead_letters",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.event",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        CreatePartitionedModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("event", "Event"),
                            ("retry", "Retry"),
                            ("manual", "Manual"),
                            ("replay", "Replay"),
                            ("test", "Test"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("lost", "Lost (the worker died; the request may have arrived)"),
                            ("late", "Late (the lease had run out; the result was not used)"),
                        ],
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("request_url", models.TextField(blank=True)),
                ("request_headers", models.JSONField(default=dict, help_text="Secrets masked.")),
                ("response_status", models.PositiveSmallIntegerField(null=True)),
                ("response_headers", models.JSONField(default=list)),
                ("response_body", models.BinaryField(default=bytes, help_text="The first 16 KiB.")),
                ("error", models.CharField(blank=True, help_text="Error class.", max_length=32)),
                ("detail", models.CharField(blank=True, help_text="The same in one sentence.", max_length=500)),
                (
                    "timings",
                    models.JSONField(default=dict, help_text="Milliseconds: dns, connect, tls, first_byte, total."),
                ),
                ("address", models.CharField(blank=True, help_text="The address connected to.", max_length=45)),
                ("worker", models.CharField(blank=True, max_length=100)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="attempts",
                        to="webhooks.delivery",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="attempts",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("prefix", models.CharField(editable=False, max_length=16, unique=True)),
                ("secret_hash", models.BinaryField(max_length=32)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), default=list, size=None
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: a platform key, which may act for every tenant.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "ordering": ("-created_at",),
            },
        ),
        migrations.CreateModel(
            name="Mailbox",
            fields=[
                (
                    "endpoint",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="mailbox",
                        serialize=False,
                        to="webhooks.endpoint",
                    ),
                ),
                ("next_due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "blocked_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="Nothing is sent before: breaker open, rate limit or Retry-After.",
                        null=True,
                    ),
                ),
                ("blocked_reason", models.CharField(blank=True, max_length=24)),
                ("oldest_pending_id", models.UUIDField(blank=True, null=True)),
                ("unsettled", models.BooleanField(default=False)),
                (
                    "latency_ms",
                    models.FloatField(default=0.0, help_text="Exponential average of the total request time."),
                ),
                ("consecutive_failures", models.PositiveIntegerField(default=0)),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                ("last_failure_at", models.DateTimeField(blank=True, null=True)),
                (
                    "failing_since",
                    models.DateTimeField(blank=True, help_text="First failure since the last success.", null=True),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="webhooks.tenant"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "mailboxes",
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "pattern",
                    models.CharField(
                        help_text="order.created, order.* (one segment), order.** (any depth) or * (all).",
                        max_length=160,
                    ),
                ),
                (
                    "filter",
                    models.JSONField(blank=True, help_text='Such as {"data.amount": {"$gte": 100}}.', null=True),
                ),
                (
                    "channels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=128),
                        blank=True,
                        default=list,
                        help_text="Empty: events of every channel.",
                        size=None,
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "pattern"], name="subscription_match")],
                "constraints": [models.UniqueConstraint(fields=("endpoint", "pattern"), name="subscription_once")],
            },
        ),
        CreatePartitionedModel(
            name="ReceivedMessage",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.CharField(blank=True, help_text="The provider's id of the message.", max_length=128)),
                ("headers", models.JSONField(default=list, help_text="Secrets masked.")),
                ("body", models.BinaryField(default=bytes)),
                ("status", models.CharField(default="received", max_length=10)),
                ("received_at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="messages",
                        to="webhooks.source",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["source", "-id"], name="received_source")],
            },
        ),
        migrations.CreateModel(
            name="EventType",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=128)),
                ("description", models.TextField(blank=True)),
                (
                    "version",
                    models.CharField(default="v1", help_text="Given to events published without one.", max_length=32),
                ),
                ("deprecated_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="event_types",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "name"), name="event_type_of_tenant"),
                    models.UniqueConstraint(
                        condition=models.Q(("tenant", None)), fields=("name",), name="event_type_global"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EventKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=128)),
                ("event_id", models.UUIDField()),
                ("fingerprint", models.BinaryField(max_length=32)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["event_id"], name="event_key_event")],
                "constraints": [models.UniqueConstraint(fields=("tenant", "key"), name="event_key_once")],
            },
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("fanned_out_at", None)), fields=["id"], name="event_outbox"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["tenant", "-id"], name="event_tenant"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["tenant", "type", "-id"], name="event_tenant_type"),
        ),
        migrations.AddIndex(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("deleted_at", None)), fields=["tenant", "-id"], name="endpoint_tenant"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["endpoint", "next_attempt_at", "id"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "sending", "held"])),
                fields=["endpoint", "id"],
                name="delivery_unfinished",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(condition=models.Q(("state", "sending")), fields=["lease_until"], name="delivery_lease"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("dead_lettered_at", None), ("state", "dead")), fields=["id"], name="delivery_dead"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["dead", "cancelled"])), fields=["-id"], name="delivery_unsuccessful"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["tenant", "-id"], name="delivery_tenant"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "-id"], name="delivery_endpoint"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["event"], name="delivery_event"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["tenant", "-id"], name="dead_letter_tenant"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(condition=models.Q(("resolution", "open")), fields=["-id"], name="dead_letter_open"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["endpoint", "-id"], name="dead_letter_endpoint"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["delivery"], name="attempt_delivery"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["endpoint", "-id"], name="attempt_endpoint"),
        ),
        migrations.AddIndex(
            model_name="mailbox",
            index=models.Index(
                condition=models.Q(("next_due_at__isnull", False)), fields=["next_due_at"], name="mailbox_due"
            ),
        ),
        migrations.AddIndex(
            model_name="mailbox",
            index=models.Index(condition=models.Q(("unsettled", True)), fields=["endpoint"], name="mailbox_unsettled"),
        ),
        migrations.RunPython(create_first_partitions, migrations.RunPython.noop),
    ]
