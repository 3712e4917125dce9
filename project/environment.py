"""Reading the environment: bad values are refused with a sentence, ``<NAME>_FILE`` reads a secret from a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable ``name``, else the content of the file named by ``<name>_FILE``, else ``default``."""
    if name in os.environ:
        return os.environ[name]
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {error.strerror}.") from error
    return default


def redis(name: str, default: str) -> str:
    """The URL of a Redis. ``valkey:`` and ``valkeys:``, as some providers write, are ``redis:`` and ``rediss:``.

    The variable is corrected as well: Celery reads CELERY_BROKER_URL itself, before any setting.
    """
    scheme, colon, rest = text(name, default).partition(":")
    url = {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme) + colon + rest
    if name in os.environ:
        os.environ[name] = url
    return url


def boolean(name: str, default: bool) -> bool:
    """``1 true yes on`` or ``0 false no off``, in any case."""
    value = text(name, str(default)).strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value} is neither true nor false. Write 1 or 0.")


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, blanks trimmed, empty items dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def typed(name: str, default: Any) -> Any:
    """The variable ``name`` in the type of ``default`` (bool, int, float, tuple of words or text)."""
    if isinstance(default, bool):
        return boolean(name, default)
    raw = text(name, "\0")
    if raw == "\0":
        return default
    if isinstance(default, tuple):
        return tuple(words(name))
    if isinstance(default, int | float):
        try:
            return type(default)(raw)
        except ValueError:
            raise ImproperlyConfigured(f"{name}={raw} is not a number.") from None
    return raw


def mapping(name: str, default: dict[str, Any]) -> dict[str, Any]:
    """A JSON object."""
    if not (raw := text(name)):
        return default
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f'{name} takes a JSON object, such as {{"bucket_name": "clarion"}}.')
    return value


def database(url: str) -> dict[str, Any]:
    """Django's settings of a PostgreSQL URL; one sentence for any other."""
    scheme = url.partition(":")[0]
    if scheme not in ("postgresql", "postgres", "pgsql"):
        raise ImproperlyConfigured(
            f"DATABASE_URL starts with {scheme!r}, but Clarion needs PostgreSQL: "
            "write DATABASE_URL=postgresql://user:password@host:5432/name."
        )
    try:
        return dict(dj_database_url.parse(url, conn_max_age=0))
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}.") from None


def state_file(path: Path) -> dict[str, Any]:
    """A JSON object that ``manage.py up`` left in its data folder; empty when there is none to read."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
