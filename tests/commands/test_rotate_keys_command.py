"""``manage.py rotate_keys``"""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from tests.factories import make_endpoint
from webhooks.models import Endpoint

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(settings: Any) -> Endpoint:
    settings.WEBHOOKS_ENCRYPTION_KEYS = (OLD,)
    made = make_endpoint(auth={"type": "bearer", "token": "t"})
    settings.WEBHOOKS_ENCRYPTION_KEYS = (NEW, OLD)
    return made


def run(*options: str) -> tuple[int, str]:
    """Exit status, and what was said."""
    said = StringIO()
    try:
        call_command("rotate_keys", *options, stdout=said, stderr=said)
    except SystemExit as end:
        return int(str(end.code)), said.getvalue()
    return 0, said.getvalue()


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_a_check_says_which_key_holds_how_much_and_fails_while_an_old_one_is_needed(
    endpoint: Endpoint, option: str
) -> None:
    for _ in range(2):  # it changes nothing
        status, said = run(option)
        assert status == 1
        assert "webhooks_endpoint.auth: 0 with key 1, 1 with key 2\n" in said
        assert "3 values depend on older keys" in said


def test_a_run_ends_with_nothing_left_and_the_check_agrees(endpoint: Endpoint) -> None:
    status, said = run("--batch", "1")
    assert status == 0
    assert "webhooks_endpoint.auth: 1 with key 1, 0 with key 2, 1 written\n" in said
    status, said = run("--check")
    assert (status, said.splitlines()[-1]) == (0, "Every value depends on the first key alone.")


@pytest.mark.parametrize("option", ["--check", "--batch=10"])
def test_a_missing_key_is_told_with_table_and_row_and_without_the_stored_text(
    endpoint: Endpoint, settings: Any, option: str
) -> None:
    settings.WEBHOOKS_ENCRYPTION_KEYS = (NEW, LOST)
    with pytest.raises(CommandError) as caught:
        run(option)
    assert f"webhooks_endpoint.auth of row {endpoint.pk}" in str(caught.value)
    assert "3 values can be read with none of" in str(caught.value)
    assert not [word for word in ("gAAAA", NEW, LOST) if word in str(caught.value)]
    settings.WEBHOOKS_ENCRYPTION_KEYS = (OLD,)
    assert Endpoint.objects.get(pk=endpoint.pk).auth["token"] == "t", "nothing was touched"


def test_a_batch_of_nothing_is_refused(endpoint: Endpoint) -> None:
    with pytest.raises(CommandError, match="from 1 on"):
        run("--batch", "0")
