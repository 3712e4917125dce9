#!/usr/bin/env python
"""Clarion's command line: ``python manage.py help`` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Clarion is not configured: {error}")
    except OperationalError as error:
        sys.exit(_unreachable(error))


def _unreachable(error: Exception) -> str:
    from django.conf import settings

    database = settings.DATABASES["default"]
    where = f"{database.get('HOST') or 'local socket'}:{database.get('PORT') or 5432}/{database.get('NAME')}"
    named = "DATABASE_URL" if os.environ.get("DATABASE_URL") else "DATABASE_URL is not set, so the default"
    return (
        f"The database does not answer ({named}: {where}; {str(error).splitlines()[0]}). "
        "Start everything with `python manage.py up`, or start that PostgreSQL, or correct DATABASE_URL."
    )


if __name__ == "__main__":
    main()
