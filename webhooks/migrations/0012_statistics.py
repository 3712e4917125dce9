import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0011_destinations"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndpointHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField(help_text="When it begins, in UTC.")),
                ("counts", models.JSONField(default=dict)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("endpoint", "hour"), name="endpoint_hour_once")],
                "indexes": [models.Index(fields=["hour"], name="endpoint_hour_hour")],
            },
        ),
        migrations.CreateModel(
            name="Progress",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("key", models.UUIDField(help_text="All smaller keys are done.")),
            ],
        ),
    ]
