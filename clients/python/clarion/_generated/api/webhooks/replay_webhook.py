from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.ordered import Ordered
from ...models.problem import Problem
from ...models.replay_webhook_request import ReplayWebhookRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    id: str,
    *,
    body: ReplayWebhookRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(clarion_tenant, Unset):
        headers["Clarion-Tenant"] = clarion_tenant

    if not isinstance(x_request_id, Unset):
        headers["X-Request-ID"] = x_request_id

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/webhooks/{id}/replay".format(
            id=quote(str(id), safe=""),
        ),
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Ordered | Problem | None:
    if response.status_code == 202:
        response_202 = Ordered.from_dict(response.json())

        return response_202

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 406:
        response_406 = Problem.from_dict(response.json())

        return response_406

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Ordered | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    body: ReplayWebhookRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Ordered | Problem]:
    """Replay a webhook's deliveries

     Orders an operation of type `replay` for this webhook alone. Without a body: its dead letters.

    Scope: `operations`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (ReplayWebhookRequest | Unset): What of a webhook's past is delivered to it again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Ordered | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        body=body,
        clarion_tenant=clarion_tenant,
        x_request_id=x_request_id,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
    body: ReplayWebhookRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Ordered | Problem | None:
    """Replay a webhook's deliveries

     Orders an operation of type `replay` for this webhook alone. Without a body: its dead letters.

    Scope: `operations`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (ReplayWebhookRequest | Unset): What of a webhook's past is delivered to it again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Ordered | Problem
    """

    return sync_detailed(
        id=id,
        client=client,
        body=body,
        clarion_tenant=clarion_tenant,
        x_request_id=x_request_id,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    body: ReplayWebhookRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Ordered | Problem]:
    """Replay a webhook's deliveries

     Orders an operation of type `replay` for this webhook alone. Without a body: its dead letters.

    Scope: `operations`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (ReplayWebhookRequest | Unset): What of a webhook's past is delivered to it again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Ordered | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        body=body,
        clarion_tenant=clarion_tenant,
        x_request_id=x_request_id,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
    body: ReplayWebhookRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Ordered | Problem | None:
    """Replay a webhook's deliveries

     Orders an operation of type `replay` for this webhook alone. Without a body: its dead letters.

    Scope: `operations`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (ReplayWebhookRequest | Unset): What of a webhook's past is delivered to it again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Ordered | Problem
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
            body=body,
            clarion_tenant=clarion_tenant,
            x_request_id=x_request_id,
            idempotency_key=idempotency_key,
        )
    ).parsed
