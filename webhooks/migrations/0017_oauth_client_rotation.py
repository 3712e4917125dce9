"""The secret of an OAuth client can be changed: the one before it counts for a while."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0010_operations")]

    operations = [
        migrations.AddField(
            model_name="oauthclient",
            name="previous_hash",
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="previous_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
