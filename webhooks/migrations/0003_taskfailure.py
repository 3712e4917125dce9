import django.contrib.postgres.fields
from django.db import migrations, models

import webhooks.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0002_event_outbox_tenant"),
    ]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "name",
                    models.CharField(
                        help_text="Such as delivery-1@host.", max_length=200, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("worker", "Worker"),
                            ("beat", "Beat"),
                            ("sweep", "Sweep (no process: the last one that ran to its end)"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "queues",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), default=list, size=None
                    ),
                ),
                ("version", models.CharField(help_text="Of Clarion.", max_length=32)),
                ("pid", models.PositiveIntegerField(help_text="On its own machine.")),
                ("started_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(help_text="By the clock of the process.")),
                ("seen_at", models.DateTimeField(help_text="By the clock of the database, at the same moment.")),
            ],
            options={"ordering": ("name",)},
        ),
        migrations.CreateModel(
            name="TaskFailure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("task", models.CharField(max_length=128)),
                ("args", models.JSONField(default=list)),
                (
                    "runnable",
                    models.BooleanField(default=True, help_text="All arguments are here, so it can be run again."),
                ),
                (
                    "queue",
                    models.CharField(blank=True, help_text="Where the message came from.", max_length=100),
                ),
                ("exception", models.CharField(help_text="The class of the last one.", max_length=200)),
                (
                    "sentence",
                    models.CharField(blank=True, help_text="Its message, with secrets masked.", max_length=500),
                ),
                (
                    "traceback",
                    models.TextField(blank=True, help_text="Places in the code, without values of variables."),
                ),
                ("worker", models.CharField(blank=True, max_length=100)),
                (
                    "count",
                    models.PositiveIntegerField(default=1, help_text="Failures since the first one."),
                ),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                (
                    "paused_until",
                    models.DateTimeField(help_text="It is not rung again before.", null=True),
                ),
                (
                    "resolution",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("succeeded", "Succeeded (the same task went through later)"),
                            ("resolved", "Resolved by hand"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("resolved_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolved_at__isnull", False)),
                        fields=["resolved_at"],
                        name="task_failure_resolved",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolution", "open")),
                        fields=("task", "args"),
                        name="task_failure_open",
                    )
                ],
            },
        ),
    ]
