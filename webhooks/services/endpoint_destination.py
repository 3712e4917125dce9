"""The destination of an endpoint, by this installation's rules: written, read again, shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

from webhooks.conf import conf
from webhooks.core import destinations
from webhooks.core.destinations import Destination, InvalidDestination
from webhooks.net import outbound
from webhooks.services.endpoint_auth import Refused


@cache
def aws_installed() -> bool:
    """Whether boto3 is there; it is not loaded for that."""
    return find_spec("boto3") is not None


def kinds() -> list[str]:
    """The types of destinations that can be used here."""
    return [kind for kind in destinations.PARTS if kind == "queue" or aws_installed()]


def check(value: Any) -> dict[str, str]:
    """The clean value of ``destination``, as it is stored; raises :class:`Refused`."""
    try:
        return destinations.parse(value, _rules(aws=aws_installed())).stored()
    except InvalidDestination as error:
        raise Refused(*error.faults) from None


def read(stored: Mapping[str, Any]) -> Destination:
    """What was stored, judged again; raises :class:`InvalidDestination`.

    A worker without boto3 is a fault of the installation, which the attempt tells; the delivery is tried again.
    """
    return destinations.parse(stored, _rules(aws=True))


def label(stored: Mapping[str, Any]) -> str:
    """What stands in the place of a URL: where it goes, without credentials."""
    return read(stored).label


def _rules(*, aws: bool) -> destinations.Rules:
    return destinations.Rules(
        plain=conf.ALLOW_HTTP, allow=outbound.allow_list(), endpoints=outbound.aws_endpoints(), aws=aws
    )
