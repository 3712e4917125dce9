from django.db import migrations, models

from webhooks.models.partitions import AddPartitionedIndex


class Migration(migrations.Migration):
    atomic = False  # the indexes are built beside whoever writes
    dependencies = [
        ("webhooks", "0012_statistics"),
    ]

    operations = [
        AddPartitionedIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("fanned_out_at__isnull", False)),
                fields=["tenant", "correlation_id", "-id"],
                name="event_correlation",
            ),
        ),
        AddPartitionedIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("fanned_out_at__isnull", False), ("matched", 0)),
                fields=["tenant", "-id"],
                name="event_unwanted",
            ),
        ),
    ]
