"""Why the host of a webhook cannot be reached: for operators, because the answer tells what lives inside."""

from __future__ import annotations

from uuid import UUID

from webhooks.conf import conf
from webhooks.core.destinations import InvalidDestination
from webhooks.core.urls import InvalidUrl, parse_endpoint_url
from webhooks.errors import NotFound
from webhooks.models import Endpoint
from webhooks.net import outbound, queues
from webhooks.services import endpoint_destination

LOOKUP_TIME = 2.0  # seconds; somebody waits for a page


def why_unreachable(endpoint_id: UUID) -> str:
    """The cause that its owner is not told, as of now; empty when deliveries can be sent there.

    The name is looked up and its addresses are judged; nothing is connected to.
    """
    endpoint = Endpoint.objects.existing().filter(id=endpoint_id).only("url", "destination").first()
    if endpoint is None:
        raise NotFound("There is no such webhook.")
    try:
        if endpoint.destination is not None:
            return queues.why_unreachable(endpoint_destination.read(endpoint.destination), LOOKUP_TIME)
        parsed = parse_endpoint_url(endpoint.url, allow_http=conf.ALLOW_HTTP, allow=outbound.allow_list())
    except (InvalidUrl, InvalidDestination) as error:
        return str(error)
    return outbound.client().why_unreachable(parsed, LOOKUP_TIME)
