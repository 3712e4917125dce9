import django.db.models.deletion
import webhooks.core.ids
from django.db import migrations, models
from webhooks.models.partitions import CreateFirstPartitions, CreatePartitionedModel


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0014_sources"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="source",
            options={
                "ordering": ("name",),
                "permissions": (
                    ("operate_source", "Can send samples to sources"),
                    ("reveal_source", "Can see a new secret: make and rotate them"),
                ),
            },
        ),
        migrations.AlterField(
            model_name="receivedmessage",
            name="reason",
            field=models.CharField(
                blank=True, help_text="Why it was refused or rejected, or what failed.", max_length=500
            ),
        ),
        migrations.AlterField(
            model_name="receivedmessage",
            name="status",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("processed", "Processed"),
                    ("failed", "Failed"),
                    ("rejected", "Rejected"),
                    ("refused", "Refused"),
                ],
                default="received",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="receivedmessage",
            index=models.Index(condition=models.Q(("status", "failed")), fields=["-id"], name="received_failed"),
        ),
        CreatePartitionedModel(
            name="ProcessorRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "processor",
                    models.CharField(help_text="Its name; forward and forward_to are Clarion's own.", max_length=200),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("dead", "Dead (given up)"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0, help_text="Tries since it was made or replayed.")),
                ("replays", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("lease_token", models.UUIDField(null=True)),
                ("result", models.JSONField(help_text="What the processor returned, cut when it is long.", null=True)),
                ("error", models.CharField(blank=True, help_text="Why the last try failed.", max_length=500)),
                (
                    "traceback",
                    models.TextField(blank=True, help_text="Places in the code, without values of variables."),
                ),
                ("worker", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(help_text="Of the last try.", null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("duration_ms", models.FloatField(help_text="Of the last try.", null=True)),
                (
                    "received",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.receivedmessage",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ("pending", "running"))), fields=["due_at"], name="run_due"
                    ),
                    models.Index(condition=models.Q(("status", "dead")), fields=["-id"], name="run_dead"),
                ],
            },
        ),
        CreateFirstPartitions("webhooks_processorrun"),
    ]
