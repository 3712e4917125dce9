"""The order that Clarion's benchmark publishes as an event, as a row with the same fields."""

from __future__ import annotations

from django.db import models


class Order(models.Model):
    """Saving one is what fires django-webhook's signal."""

    order_id = models.CharField(max_length=50)
    customer_id = models.CharField(max_length=50)
    amount = models.FloatField()
    currency = models.CharField(max_length=3)
    items = models.JSONField()

    def __str__(self) -> str:
        return self.order_id
