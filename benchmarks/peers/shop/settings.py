"""The least that django-webhook needs; its own settings are its defaults (events stored, webhooks cached)."""

from __future__ import annotations

import os

import dj_database_url

SECRET_KEY = "benchmarks"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "shop", "django_webhook"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
if size := int(os.environ.get("SHOP_POOL_SIZE", "0")):
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": size, "max_size": size, "timeout": 30}}
DJANGO_WEBHOOK = {"MODELS": ["shop.Order"]}
CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_DB_REUSE_MAX = int(os.environ.get("SHOP_DB_REUSE_MAX", "0")) or None
# A queue of its own, as django-webhook's documentation recommends.
CELERY_TASK_ROUTES = {"django_webhook.tasks.fire_webhook": {"queue": "shop.waiting"}}
