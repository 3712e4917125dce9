import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import webhooks.core.ids
import webhooks.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0004_list_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("private_key", webhooks.models.fields.EncryptedTextField(editable=False)),
                ("public_key", models.CharField(editable=False, max_length=64)),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "valid_until",
                    models.DateTimeField(blank=True, help_text="Empty: until it is rotated.", null=True),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="signing_keys",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "ordering": ("-valid_from",),
            },
        ),
    ]
