"""Genuine messages with hostile content: what PostgreSQL or a parser cannot hold is refused or kept, never a 500."""

from __future__ import annotations

import json

import pytest

from tests.factories import make_source
from tests.receivers.sending import send
from webhooks.models import ReceivedMessage, Source, Tenant
from webhooks.services import sources

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]


@pytest.fixture
def source(tenant: Tenant) -> Source:
    return make_source(tenant, "hex", secrets=["only-for-tests"])


BODIES = {
    "nul in a name": b'{"a\\u0000b":1}',
    "controls": b'{"\\u0000":{"\\u001b":1}}',
    "nul in the id": b'{"id":"\\u0000","type":"\\u0000"}',
    "long number": b'{"id":' + b"9" * 5000 + b"}",
    "surrogates": b'{"type":"\\ud800","id":"\\udc00"}',
    "long id": b'{"id":"' + b"x" * 5000 + b'"}',
    "no text": b"\xff\x00",
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "nul": b'"\\u0000"',
    "empty": b"",
}


@pytest.mark.parametrize("body", list(BODIES.values()), ids=list(BODIES))
@pytest.mark.parametrize("strict", [False, True], ids=["any", "schema"])
def test_what_cannot_be_stored_as_text_is_no_500(source: Source, body: bytes, strict: bool) -> None:
    if strict:
        sources.update(None, source.id, {"schema": {"type": "object", "additionalProperties": False}})
    answer = send(source, body)
    assert answer.status_code == (422 if strict else 202), answer.content
    row = ReceivedMessage.objects.get()
    assert bytes(row.body) == body
    assert send(source, body).status_code == (422 if strict else 200)
    assert "\x00" not in json.dumps(row.answer) + row.reason
