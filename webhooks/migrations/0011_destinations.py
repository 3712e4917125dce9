from django.db import migrations, models

import webhooks.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0016_oauth"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="destination",
            field=webhooks.models.fields.EncryptedJSONField(
                blank=True, help_text="A queue in place of the URL.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="payload_format",
            field=models.CharField(
                choices=[
                    ("envelope", "Envelope (id, type, data, metadata)"),
                    ("data", "Only the data"),
                    ("cloudevents", "CloudEvents, structured"),
                    ("cloudevents-binary", "CloudEvents, binary"),
                ],
                default="envelope",
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="url",
            field=models.TextField(
                help_text="https, unless http is allowed. With a destination: its label, which is no https URL.",
                max_length=2048,
                verbose_name="URL",
            ),
        ),
    ]
