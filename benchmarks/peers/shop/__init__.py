"""A Django project that does what django-webhook's documentation says: a model, its topics, a dedicated worker.

It runs in the peers' own virtual environment, which knows nothing of Clarion.
"""

from shop.celery import app

__all__ = ["app"]
