from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.o_auth_client_secret import OAuthClientSecret
from ...models.problem import Problem
from ...models.rotate_o_auth_client_secret_request import RotateOAuthClientSecretRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    id: str,
    *,
    body: RotateOAuthClientSecretRequest | Unset = UNSET,
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
        "url": "/api/oauth-clients/{id}/rotate-secret".format(
            id=quote(str(id), safe=""),
        ),
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> OAuthClientSecret | Problem | None:
    if response.status_code == 200:
        response_200 = OAuthClientSecret.from_dict(response.json())

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


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[OAuthClientSecret | Problem]:
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
    body: RotateOAuthClientSecretRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[OAuthClientSecret | Problem]:
    """Make a new secret

     During the overlap both secrets fetch tokens, and tokens that were fetched are good until they
    expire. One that is left from the rotation before ends at once. Needs all scopes that the client
    has.

    Scope: `keys`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (RotateOAuthClientSecretRequest | Unset): How to change the secret.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OAuthClientSecret | Problem]
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
    body: RotateOAuthClientSecretRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> OAuthClientSecret | Problem | None:
    """Make a new secret

     During the overlap both secrets fetch tokens, and tokens that were fetched are good until they
    expire. One that is left from the rotation before ends at once. Needs all scopes that the client
    has.

    Scope: `keys`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (RotateOAuthClientSecretRequest | Unset): How to change the secret.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OAuthClientSecret | Problem
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
    body: RotateOAuthClientSecretRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[OAuthClientSecret | Problem]:
    """Make a new secret

     During the overlap both secrets fetch tokens, and tokens that were fetched are good until they
    expire. One that is left from the rotation before ends at once. Needs all scopes that the client
    has.

    Scope: `keys`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (RotateOAuthClientSecretRequest | Unset): How to change the secret.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OAuthClientSecret | Problem]
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
    body: RotateOAuthClientSecretRequest | Unset = UNSET,
    clarion_tenant: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> OAuthClientSecret | Problem | None:
    """Make a new secret

     During the overlap both secrets fetch tokens, and tokens that were fetched are good until they
    expire. One that is left from the rotation before ends at once. Needs all scopes that the client
    has.

    Scope: `keys`.

    Args:
        id (str):
        clarion_tenant (str | Unset):
        x_request_id (str | Unset):
        idempotency_key (str | Unset):
        body (RotateOAuthClientSecretRequest | Unset): How to change the secret.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OAuthClientSecret | Problem
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
