"""What ``manage.py up`` would run, for the pages and files that have to agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.docs.pages import ROOT
from webhooks.management.stack import plan


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """Name -> command of each program that ``manage.py up`` keeps running, beside the services."""
    options = plan.Options(tmp_path_factory.mktemp("up"), ROOT, port_base=0)
    with closing(plan.choose_addresses(options)) as addresses:
        programs = plan.programs(options, addresses, [], {}, "password")
        yield {program.name: program.command for program in programs if not program.once}
