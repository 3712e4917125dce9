"""What Clarion itself does with a received message: publish it as an event, send it on to a queue.

An event's data is the body byte for byte when that is JSON (of a form: its field ``payload``), else an object with the
media type and the body in base64.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection

from webhooks.conf import conf
from webhooks.core import ids, jsontext, patterns
from webhooks.core.destinations import InvalidDestination
from webhooks.core.headers import MASK, clean_stored
from webhooks.core.outcome import Verdict, judge
from webhooks.core.processors import Message
from webhooks.errors import FieldError, GiveUp, InvalidInput, Malformed, Unavailable
from webhooks.models import Event, ReceivedMessage, Source
from webhooks.net import queues
from webhooks.services import endpoint_destination, ingest, ingest_json

SEND_TIMEOUT = 15.0  # seconds: below the time limit of the run
MAX_HEADER = 128  # characters of the provider's id in a header, the column's width
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_CORRELATION = re.compile(r"[\x21-\x7e]{1,128}\Z")
_MAX_HEADERS = 20  # copied into every delivery of the event, within the limit of an event's metadata
_MAX_VALUE = 256  # characters of such a header
# Headers in which providers say what a message is about. Signatures and tokens say nothing to whoever gets the event.
_TELLING = ("ce-", "x-github-", "x-gitlab-", "x-shopify-", "x-slack-", "x-amz-", "webhook-", "traceparent")
_SECRET = ("signature", "hmac", "token", "secret", "auth", "key")


def publish(message: Message) -> UUID:
    """Make the event of a message, in the caller's transaction, and note it on the message. Returns its key.

    Its id is the provider's where that can be one and no other event has it, else that of the received message.
    Raises :class:`GiveUp` for what cannot be an event, with a sentence that says why.
    """
    tenant_id, received_id = _key_of(ids.TENANT, message.tenant_id), _key_of(ids.RECEIVED, message.id)
    try:
        draft = draft_of(message)
        published = _published(tenant_id, draft)
        if published is None:
            published = _published(tenant_id, replace(draft, key=message.id))
    except InvalidInput as error:
        raise GiveUp(f"No event could be made of the message: {_sentence(error)}.") from error
    if published is None:
        raise GiveUp(f"No event could be made of the message: another event is called {message.id}.")
    ReceivedMessage.objects.filter(id=received_id).update(event_id=published.id)
    return published.id


def send_on(message: Message) -> dict[str, Any]:
    """Send a message to the destination of its source, as it came. Outside any transaction.

    Raises :class:`GiveUp` for what no retry can mend, :class:`Unavailable` for everything else; both messages may be
    shown to the tenant.
    """
    source_id = _key_of(ids.SOURCE, message.source_id)
    stored = Source.objects.only("forward_to").get(id=source_id).forward_to
    if not stored:
        raise GiveUp("The source has no forward_to any more.")
    try:
        destination = endpoint_destination.read(stored)
    except InvalidDestination as error:
        raise GiveUp(f"The source's forward_to is not acceptable: {error}") from None
    connection.close()  # nothing holds a connection while it waits for others
    headers = {
        "Content-Type": message.content_type or "application/octet-stream",
        "Clarion-Received-Id": message.id,
        "Clarion-Source": message.source_id,
        "Clarion-Event-Type": message.event_type,
        "Clarion-Provider-Id": clean_stored(message.key, MAX_HEADER),
    }
    result = queues.send(destination, message.body, headers, timeout=SEND_TIMEOUT, pool_key=source_id)
    verdict = judge(result.status, result.error)
    if verdict is Verdict.SUCCEEDED:
        return {"sent_to": destination.label, "status": result.status}
    why = result.detail or f"{destination.label} answered {result.status}."
    raise Unavailable(why) if verdict is Verdict.RETRY else GiveUp(why)


def draft_of(message: Message) -> ingest.Draft:
    """The event that a message becomes. Raises :class:`InvalidInput`."""
    if not message.event_type:
        raise InvalidInput(FieldError("/type", "it has no type; give its source an event_type"))
    try:
        patterns.check_event_type(message.event_type)
    except patterns.InvalidPattern as error:
        raise InvalidInput(FieldError("/type", str(error))) from None
    correlation = message.headers.get("x-correlation-id", "")
    return ingest.Draft(
        type=message.event_type,
        data=_data(message),
        key=message.key if _KEY.match(message.key) else message.id,
        created_at=message.created_at,
        metadata=_metadata(message),
        correlation_id=correlation if _CORRELATION.match(correlation) else message.id,
        origin=Event.Origin.INBOUND,
    )


def _published(tenant_id: UUID, draft: ingest.Draft) -> ingest.Published | None:
    """None when its id belongs to another event."""
    (published,) = ingest.publish(tenant_id, [draft])
    return None if published.conflict else published


def _data(message: Message) -> bytes:
    data = message.data
    try:
        ingest_json.check_data(data)
        jsontext.check_depth(data, conf.MAX_JSON_DEPTH)
    except jsontext.JSONFault as fault:
        raise InvalidInput(FieldError(f"/data{fault.pointer}", fault.detail)) from None
    except InvalidInput as error:
        if not isinstance(error, Malformed) and _resembles_json(data):
            raise
        wrapped = {"content_type": message.content_type, "body_base64": base64.b64encode(message.body).decode()}
        data = json.dumps(wrapped, separators=(",", ":")).encode()
    if len(data) > conf.MAX_EVENT_BYTES:
        detail = f"an event has at most {conf.MAX_EVENT_BYTES} bytes, this one would have {len(data)}"
        raise InvalidInput(FieldError("/data", detail))
    return data


def _resembles_json(data: bytes) -> bool:
    """Whether it is JSON that Clarion refuses, rather than something else."""
    try:
        json.loads(data.decode(errors="replace"))
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _metadata(message: Message) -> dict[str, Any]:
    told = {
        "source": message.source_id,
        "source_name": message.source,
        "provider": message.provider,
        "provider_id": message.key,
        "provider_type": message.type,
        "received_id": message.id,
    }
    headers = {
        name: value[:_MAX_VALUE]
        for name, value in message.headers.items()
        if name.startswith(_TELLING) and MASK not in value and not any(word in name for word in _SECRET)
    }
    return {**told, "headers": dict(list(headers.items())[:_MAX_HEADERS])}


def _sentence(error: InvalidInput) -> str:
    """Faults without the place in the list that publishing knows them by."""
    return "; ".join(f"{re.sub('^/0', '', fault.pointer)}: {fault.detail}".lstrip(": ") for fault in error.errors)


def _key_of(prefix: str, shown: str) -> UUID:
    key = ids.parse(prefix, shown)
    if key is None:
        raise ValueError(f"{shown!r} is no id")
    return key
