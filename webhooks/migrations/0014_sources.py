import django.db.models.deletion
import django.utils.timezone
import webhooks.models.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0009_event_type_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReceivedKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=128)),
                ("received_id", models.UUIDField()),
                ("fingerprint", models.BinaryField(help_text="SHA-256 of the body.", max_length=32)),
            ],
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="answer",
            field=models.JSONField(default=dict, help_text='{"status": 202, "body": {...}}: repeats get the same.'),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="content_type",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="event_id",
            field=models.UUIDField(help_text="The event made of it.", null=True),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="event_type",
            field=models.CharField(blank=True, help_text="The type of the event it becomes.", max_length=128),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="processed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="reason",
            field=models.CharField(blank=True, help_text="Why it was refused or rejected.", max_length=500),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="remote_address",
            field=models.GenericIPAddressField(null=True),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="type",
            field=models.CharField(blank=True, help_text="The provider's own name of what happened.", max_length=200),
        ),
        migrations.AddField(
            model_name="receivedmessage",
            name="verification",
            field=models.CharField(blank=True, help_text="How the check of its origin went.", max_length=16),
        ),
        migrations.AddField(
            model_name="source",
            name="allowed_ips",
            field=models.JSONField(blank=True, default=list, help_text="Networks; empty: from anywhere."),
        ),
        migrations.AddField(
            model_name="source",
            name="deleted_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="event_type",
            field=models.CharField(blank=True, help_text="Template, such as github.{type}.", max_length=128),
        ),
        migrations.AddField(
            model_name="source",
            name="forward",
            field=models.BooleanField(default=True, help_text="A verified message becomes an event."),
        ),
        migrations.AddField(
            model_name="source",
            name="forward_to",
            field=webhooks.models.fields.EncryptedJSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="max_bytes",
            field=models.PositiveIntegerField(default=1048576),
        ),
        migrations.AddField(
            model_name="source",
            name="rate_limit",
            field=models.JSONField(blank=True, help_text='{"limit": 600, "period": 60}; empty: none.', null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="schema",
            field=models.TextField(blank=True, help_text="JSON Schema of the body; empty: none.", null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="tolerance",
            field=models.PositiveIntegerField(default=300, help_text="Seconds of a signed time, both ways."),
        ),
        migrations.AddField(
            model_name="source",
            name="updated_at",
            field=models.DateTimeField(auto_now=True),
        ),
        migrations.AddField(
            model_name="source",
            name="verification",
            field=webhooks.models.fields.EncryptedJSONField(blank=True, default=dict),
        ),
        migrations.AlterField(
            model_name="receivedmessage",
            name="headers",
            field=models.JSONField(default=list, help_text="Pairs in the order they came; secrets masked."),
        ),
        migrations.AlterField(
            model_name="receivedmessage",
            name="received_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AlterField(
            model_name="receivedmessage",
            name="status",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("processed", "Processed"),
                    ("rejected", "Rejected"),
                    ("refused", "Refused"),
                ],
                default="received",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="provider",
            field=models.CharField(help_text="Who signs, and how: one of core.inbound.PROVIDERS.", max_length=24),
        ),
        migrations.AlterField(
            model_name="source",
            name="secrets",
            field=webhooks.models.fields.EncryptedJSONField(blank=True, default=list),
        ),
        migrations.AddIndex(
            model_name="receivedmessage",
            index=models.Index(condition=models.Q(("processed_at", None)), fields=["id"], name="received_inbox"),
        ),
        migrations.AddIndex(
            model_name="receivedmessage",
            index=models.Index(fields=["tenant", "-id"], name="received_tenant"),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(
                condition=models.Q(("deleted_at", None)), fields=["tenant", "-id"], name="source_tenant"
            ),
        ),
        migrations.AddField(
            model_name="receivedkey",
            name="source",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="webhooks.source"
            ),
        ),
        migrations.AddIndex(
            model_name="receivedkey",
            index=models.Index(fields=["received_id"], name="received_key_message"),
        ),
        migrations.AddConstraint(
            model_name="receivedkey",
            constraint=models.UniqueConstraint(fields=("source", "key"), name="received_key_once"),
        ),
    ]
