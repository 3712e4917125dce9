"""An operator's browser and rows to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client


@pytest.fixture(autouse=True)
def _database(db: None, valkey: Any) -> None:
    """Every test here needs the database, and an empty broker to see what was rung."""


@pytest.fixture
def staff() -> Callable[..., Client]:
    """Makes a member of staff with the named permissions and logs in: ``staff("view_delivery")``."""
    # Here, because this file is loaded before Django is set up.
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    def login(*codenames: str) -> Client:
        user = User.objects.create(username="clerk", password="!", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return login


@pytest.fixture
def admin_user(db: None) -> User:
    """A superuser. Without a password, because hashing one takes longer than most tests."""
    from django.contrib.auth.models import User

    return User.objects.create(username="admin", password="!", is_staff=True, is_superuser=True)
