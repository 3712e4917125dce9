"""Clients of boto3 whose requests are made by Clarion's own HTTP client.

botocore offers each request before it sends it (the event ``before-send``) and takes an answer in its place. So there
is one way out for AWS as well: addresses are checked and deadlines hold. Nothing of the environment has a part in it:
no profile, no proxy, no endpoint and above all no credentials of this machine.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from io import BytesIO
from time import monotonic
from typing import Any, NamedTuple

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.session import Session

from webhooks.conf import conf
from webhooks.core.destinations import AwsAccess
from webhooks.core.urls import CanonicalUrl, InvalidUrl, parse_endpoint_url
from webhooks.net import outbound
from webhooks.net.deadline import Deadline
from webhooks.net.result import ErrorClass, ExchangeFailed, HttpResult

MAX_CLIENTS = 64  # of one process; each holds the description of its service, some megabytes
ANSWER_LIMIT = 65_536  # bytes; the longest answer, of STS, has some thousand
ROLE_SECONDS = 3600  # for which a role is assumed, the longest that every role allows
ROLE_MARGIN = 300  # seconds before the end of a role when it is assumed anew

# Where botocore would look for the settings of this machine.
_NOTHING = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_CONFIG = Config(
    retries={"total_max_attempts": 1, "mode": "standard"},  # the row of the delivery is what is tried again
    ignore_configured_endpoint_urls=True,
    use_fips_endpoint=False,
    use_dualstack_endpoint=False,
)


@dataclass(slots=True)
class Call:
    """One publication: what bounds it, and the last answer to it. ``pool_key`` None: no connection is kept."""

    deadline: Deadline
    pool_key: Hashable
    result: HttpResult | None = None


class _Keys(NamedTuple):
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


_call: ContextVar[Call] = ContextVar("aws_call")
_clients: OrderedDict[Hashable, Any] = OrderedDict()
_roles: OrderedDict[Hashable, tuple[float, _Keys]] = OrderedDict()
_lock = threading.Lock()


@contextmanager
def calling(call: Call) -> Iterator[None]:
    """Requests of clients made inside belong to ``call``."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


def client(service: str, access: AwsAccess) -> Any:
    """The client of ``service`` (``sqs`` or ``events``) for the present call, in the role if there is one."""
    keys = _Keys(access.access_key_id, access.secret_access_key)
    if access.role_arn:
        keys = _assumed(access, keys)
    return _client(service, access, keys)


def _client(service: str, access: AwsAccess, keys: _Keys) -> Any:
    """Invariant: a client is of one pool key, so never of two tenants."""
    pool_key = _call.get().pool_key
    if pool_key is None:
        return _new(service, access, keys)
    return _kept(_clients, (pool_key, service, access, keys), lambda: _new(service, access, keys))


def _kept(cache: OrderedDict[Hashable, Any], key: Hashable, make: Callable[[], Any]) -> Any:
    """From the cache, or made outside its lock; of two made at once one is kept."""
    with _lock:
        if key in cache:
            cache.move_to_end(key)
            return cache[key]
    made = make()
    with _lock:
        made = cache.setdefault(key, made)
        while len(cache) > MAX_CLIENTS:
            cache.popitem(last=False)
    return made


def _new(service: str, access: AwsAccess, keys: _Keys) -> Any:
    origin = access.endpoint(service)
    made = boto3.Session(botocore_session=Session(session_vars=_NOTHING)).client(
        service,
        region_name=access.region,
        endpoint_url=origin,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=_CONFIG,
    )
    made.meta.events.register("before-send", _Wire(origin))
    return made


def _assumed(access: AwsAccess, keys: _Keys) -> _Keys:
    """The role's own keys, from the cache while they hold."""
    key = (_call.get().pool_key, access)
    with _lock:
        known = _roles.get(key)
    if known is not None and known[0] > monotonic():
        return known[1]
    until = monotonic() + ROLE_SECONDS - ROLE_MARGIN
    answer = _client("sts", access, keys).assume_role(
        RoleArn=access.role_arn, RoleSessionName="clarion", DurationSeconds=ROLE_SECONDS
    )
    got = answer["Credentials"]
    assumed = _Keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    if key[0] is not None:
        with _lock:
            _roles[key] = (until, assumed)
            while len(_roles) > MAX_CLIENTS:
                _roles.popitem(last=False)
    return assumed


class _Body(BytesIO):
    """A body as botocore reads it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


class _Wire:
    """Answers botocore's ``before-send``: makes the request, and hands over what came back.

    Attack: something in a request's parameters leads botocore to another host than that of the service.
    """

    def __init__(self, origin: str) -> None:
        self._url = parse_url(origin)

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        call = _call.get()
        url = parse_url(request.url)
        if url.origin != self._url.origin:
            raise ExchangeFailed(ErrorClass.INTERNAL_ERROR, "Clarion would have asked another host than that of AWS.")
        body = request.body or b""
        result = outbound.client().request(
            request.method, url, headers=_headers(request), body=body.encode() if isinstance(body, str) else body,
            timeout=max(call.deadline.remaining(), 0.001), body_limit=ANSWER_LIMIT,
            pool_key=object() if call.pool_key is None else ("aws", call.pool_key),
        )  # fmt: skip
        call.result = result
        if result.status is None:
            raise ExchangeFailed(result.error or ErrorClass.INTERNAL_ERROR, result.detail)
        return AWSResponse(request.url, result.status, dict(result.headers), _Body(result.body))


def parse_url(text: str) -> CanonicalUrl:
    """A URL of AWS, or of what the operator lets stand in for it, by the one parser. Raises :class:`ExchangeFailed`."""
    try:
        url = parse_endpoint_url(text, allow_http=True, allow=outbound.allow_list())
    except InvalidUrl as error:
        raise ExchangeFailed(ErrorClass.INVALID_URL, str(error)) from None
    if url.scheme == "http" and not conf.ALLOW_HTTP and url.origin not in outbound.aws_endpoints():
        raise ExchangeFailed(ErrorClass.INVALID_URL, "The endpoint_url is none that the operator allows.")
    return url


def _headers(request: AWSPreparedRequest) -> dict[str, str]:
    """botocore's, but those of the connection, and the name it calls itself by."""
    own = {"host", "content-length", "connection", "expect", "accept-encoding", "user-agent"}
    return {
        str(name): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
        if str(name).lower() not in own
    }
