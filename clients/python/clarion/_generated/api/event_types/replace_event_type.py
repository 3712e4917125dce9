from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.event_type import EventType
from ...models.event_type_request import EventTypeRequest
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    id: str,
    *,
    body: EventTypeRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(clarion_tenant, Unset):
        headers["Clarion-Tenant"] = clarion_tenant

    if not isinstance(x_request_id, Unset):
        headers["X-Request-ID"] = x_request_id

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/event-types/{id}".format(
            id=quote(str(id), safe=""),
        ),
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> EventType | Problem | None:
    if response.status_code == 200:
        response_200 = EventType.from_dict(response.json())

        return response_200

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[EventType | Problem]:
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
    body: EventTypeRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Response[EventType | Problem]:
    """Change an event type

     `description` and the deprecation are replaced. Of `versions`, those that are named are changed or
    added, with what is given of them; the others stay. A breaking change of a schema is refused.

    Scope: `events:write`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        body (EventTypeRequest | Unset): A registered event type with its versions.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EventType | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        body=body,
        clarion_tenant=clarion_tenant,
        x_request_id=x_request_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
    body: EventTypeRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> EventType | Problem | None:
    """Change an event type

     `description` and the deprecation are replaced. Of `versions`, those that are named are changed or
    added, with what is given of them; the others stay. A breaking change of a schema is refused.

    Scope: `events:write`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        body (EventTypeRequest | Unset): A registered event type with its versions.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EventType | Problem
    """

    return sync_detailed(
        id=id,
        client=client,
        body=body,
        clarion_tenant=clarion_tenant,
        x_request_id=x_request_id,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    body: EventTypeRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Response[EventType | Problem]:
    """Change an event type

     `description` and the deprecation are replaced. Of `versions`, those that are named are changed or
    added, with what is given of them; the others stay. A breaking change of a schema is refused.

    Scope: `events:write`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        body (EventTypeRequest | Unset): A registered event type with its versions.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EventType | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        body=body,
        clarion_tenant=clarion_tenant,
        x_request_id=x_request_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
    body: EventTypeRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> EventType | Problem | None:
    """Change an event type

     `description` and the deprecation are replaced. Of `versions`, those that are named are changed or
    added, with what is given of them; the others stay. A breaking change of a schema is refused.

    Scope: `events:write`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        body (EventTypeRequest | Unset): A registered event type with its versions.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EventType | Problem
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
            body=body,
            clarion_tenant=clarion_tenant,
            x_request_id=x_request_id,
        )
    ).parsed
