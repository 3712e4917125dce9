from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0003_taskfailure"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="delivery",
            name="delivery_unsuccessful",
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("outcome", "succeeded"), _negated=True),
                fields=["endpoint", "-id"],
                name="attempt_unsuccessful",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["tenant", "resolution", "-id"], name="dead_letter_tenant_state"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["dead", "cancelled", "held"])),
                fields=["tenant", "state", "-id"],
                name="delivery_tenant_state",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["dead", "cancelled", "held"])),
                fields=["endpoint", "state", "-id"],
                name="delivery_endpoint_state",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["dead", "cancelled", "held"])),
                fields=["state", "-id"],
                name="delivery_state",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("response_status__gte", 300)),
                fields=["tenant", "response_status", "-id"],
                name="delivery_refused",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("trigger", "event"), _negated=True),
                fields=["tenant", "-id"],
                name="delivery_repeated",
            ),
        ),
    ]
