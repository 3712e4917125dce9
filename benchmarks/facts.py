"""What a result has to say about the machine and the code it was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

_FOLDER = Path(__file__).resolve().parent


def machine() -> dict[str, Any]:
    """Hardware, system, and how busy the machine was before the run."""
    return {
        "cpu_count": os.cpu_count(),
        "model": _cpu_model(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),  # processes that ran or waited, over the last minute
    }


def software() -> dict[str, Any]:
    """Versions of what was measured. Needs the services of a Machine."""
    import redis
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    broker = settings.CELERY_BROKER_URL.split(":", 1)[0]
    if broker.startswith("redis"):
        with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
            info = client.info("server")
        name = str(info.get("server_name", "redis"))
        broker = f"{name} {info.get(f'{name}_version', info['redis_version'])}"
    return {
        "python": platform.python_version(),
        "postgres": postgres.split()[0],
        "broker": broker,
        **{name: importlib.metadata.version(name) for name in ("Django", "celery", "kombu", "psycopg")},
    }


def commit() -> str | None:
    """The commit, with ``+`` when files differ from it; None outside a git clone."""
    try:
        head = _git("rev-parse", "HEAD")
        return head + "+" if _git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_FOLDER, capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout.strip()


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
