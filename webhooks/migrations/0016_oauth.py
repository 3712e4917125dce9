import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import webhooks.core.ids


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0015_processor_runs")]

    operations = [
        migrations.CreateModel(
            name="OAuthClient",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webhooks.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
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
                        help_text="Empty: a platform client, which may act for every tenant.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="oauth_clients",
                        to="webhooks.tenant",
                    ),
                ),
            ],
            options={"verbose_name": "OAuth client", "ordering": ("-created_at",)},
        ),
        migrations.CreateModel(
            name="OAuthToken",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), size=None),
                ),
                ("expires_at", models.DateTimeField()),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="webhooks.oauthclient"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["expires_at"], name="oauthtoken_expired")],
            },
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="actor_kind",
            field=models.CharField(
                choices=[
                    ("api_key", "API key"),
                    ("platform_key", "platform key"),
                    ("oauth", "OAuth client"),
                    ("platform_app", "platform OAuth client"),
                    ("portal", "portal visitor"),
                    ("staff", "Staff"),
                    ("command", "Command"),
                    ("system", "System"),
                    ("anonymous", "nobody known"),
                ],
                max_length=12,
            ),
        ),
    ]
