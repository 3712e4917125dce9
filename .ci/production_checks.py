"""Django's own checks with the settings of a production site, and the migrations against a real database."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from webhooks.management.stack.embedded import Postgres  # noqa: E402 - after the path to it

COMMANDS = (
    ("makemigrations", "--check", "--dry-run"),
    ("migrate", "--verbosity", "0"),
    ("check", "--deploy", "--database", "default", "--fail-level", "WARNING"),
)


def main() -> int:
    """The exit status of the first command that fails, 0 when none does."""
    with tempfile.TemporaryDirectory(prefix="clarion-ci-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs under another account when root runs this
        with Postgres(folder / "postgres", durable=False) as postgres:
            environment = production(postgres.url, folder)
            for command in COMMANDS:
                sys.stdout.write(f"manage.py {' '.join(command)}\n")
                sys.stdout.flush()
                done = subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment)
                if done.returncode:
                    return done.returncode
    return 0


def production(database_url: str, folder: Path) -> dict[str, str]:
    """The environment of a site behind https, with nothing of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WEBHOOKS_", "DJANGO_"))}
    return kept | {
        "CLARION_DATA_DIR": str(folder / "clarion"),
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://valkey.example.com:6379/1",
        "CELERY_BROKER_URL": "redis://valkey.example.com:6379/0",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DEBUG": "0",
        "WEBHOOKS_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "WEBHOOKS_PUBLIC_URL": "https://webhooks.example.com",
        "WEBHOOKS_SECURITY_CONTACT": "mailto:security@example.com",
        "WEBHOOKS_SECURITY_EXPIRES": f"{datetime.now(UTC) + timedelta(days=180):%Y-%m-%dT%H:%M:%SZ}",
    }


if __name__ == "__main__":
    sys.exit(main())
