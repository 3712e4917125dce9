from django.db import migrations, models

import webhooks.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0007_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("fingerprint", models.BinaryField(max_length=32)),
                (
                    "token",
                    models.UUIDField(help_text="Whose claim this is: only its holder may store the answer."),
                ),
                ("leased_until", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("answer", webhooks.models.fields.EncryptedTextField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="idempotencykey_expired")],
            },
        ),
    ]
