from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.created_source_provider import CreatedSourceProvider, check_created_source_provider

if TYPE_CHECKING:
    from ..models.created_source_schema_type_0 import CreatedSourceSchemaType0
    from ..models.created_source_verification import CreatedSourceVerification
    from ..models.event_bridge_destination import EventBridgeDestination
    from ..models.queue_destination import QueueDestination
    from ..models.source_rate_limit import SourceRateLimit
    from ..models.sqs_destination import SqsDestination


T = TypeVar("T", bound="CreatedSource")


@_attrs_define
class CreatedSource:
    """A source with the secret that Clarion has made for it: the only answer that shows it."""

    id: str
    """ Id of the source. """
    url: str
    """ Where the provider has to send to. It is not guessable. """
    name: str
    """ For people, such as Stripe (live). """
    provider: CreatedSourceProvider
    """ Who signs, and how. `github`: GitHub: `X-Hub-Signature-256`; JSON or form. `stripe`: Stripe: `Stripe-
    Signature`. `shopify`: Shopify: `X-Shopify-Hmac-Sha256`. `slack`: Slack: `X-Slack-Signature`; answers the URL
    verification. `standard`: Standard Webhooks and Svix: `webhook-signature`, `whsec_` secrets and `whpk_` public
    keys. `hex`: Hex HMAC-SHA256 of the body: `X-Webhook-Signature`. `eventbridge`: Amazon EventBridge API
    destination: API key, Basic or OAuth. `api_key`: An API key in a header. `oauth2`: OAuth 2.0: a Bearer token
    (JWT), checked with the issuer's keys. `mtls`: Mutual TLS ended by your proxy, which tells the client's
    certificate in a header. `custom`: An HMAC of your description: header, algorithm, encoding, template, prefix.
    `none`: Nothing is verified: whoever knows the URL can send. """
    secrets: list[str] = _attrs_field(repr=False)
    """ What the provider signs with, newest first; several while one is changed. Answers show masks, and a mask
    that is sent back keeps the secret at its place. Absent: Clarion makes one where the provider lets you choose
    it. """
    verification: CreatedSourceVerification
    """ What the provider needs besides secrets; see docs/receiving.md. """
    allowed_ips: list[str]
    """ Networks the provider sends from; anybody else is answered 403. Empty: from anywhere. """
    rate_limit: None | SourceRateLimit
    """ Requests taken in a period; more are answered 429 with Retry-After. null: any number. """
    schema: bool | CreatedSourceSchemaType0 | None
    """ JSON Schema (2020-12) of the content; what fails it is answered 422 and kept as rejected. At most 64 KiB;
    null: none. """
    event_type: str
    """ Type of the events that messages become; {type} is the provider's own, such as github.{type}. """
    forward_to: EventBridgeDestination | None | QueueDestination | SqsDestination
    """ A queue that messages go to as well, as they came; secrets masked. null: none. """
    refused_lately: int | None
    """ Requests refused for their address or signature in this hour and the one before. A few of them are kept with
    the reason. null: nobody knows. """
    tenant_id: str
    """ The tenant it belongs to. """
    created_at: datetime.datetime
    """ When it was made. """
    updated_at: datetime.datetime
    """ When it was changed last. """
    secret: None | str = _attrs_field(repr=False)
    """ The secret to put in at the provider's. It is not shown again. null: you have sent your own. """
    max_bytes: int = 1048576
    """ Bytes of a body; a larger one is answered 413. """
    tolerance: int = 300
    """ Seconds that a signed time may be off, before or after, such as 300. """
    forward: bool = True
    """ Whether a verified message becomes an event, which webhooks deliver. """
    active: bool = True
    """ false: whoever sends is answered 404, as if there were no source. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.created_source_schema_type_0 import CreatedSourceSchemaType0  # noqa: PLC0415
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.source_rate_limit import SourceRateLimit  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415

        id = self.id

        url = self.url

        name = self.name

        provider: str = self.provider

        secrets = self.secrets

        verification = self.verification.to_dict()

        allowed_ips = self.allowed_ips

        rate_limit: dict[str, Any] | None
        if isinstance(self.rate_limit, SourceRateLimit):
            rate_limit = self.rate_limit.to_dict()
        else:
            rate_limit = self.rate_limit

        schema: bool | dict[str, Any] | None
        if isinstance(self.schema, CreatedSourceSchemaType0):
            schema = self.schema.to_dict()
        else:
            schema = self.schema

        max_bytes = self.max_bytes

        tolerance = self.tolerance

        event_type = self.event_type

        forward = self.forward

        forward_to: dict[str, Any] | None
        if isinstance(self.forward_to, QueueDestination):
            forward_to = self.forward_to.to_dict()
        elif isinstance(self.forward_to, SqsDestination):
            forward_to = self.forward_to.to_dict()
        elif isinstance(self.forward_to, EventBridgeDestination):
            forward_to = self.forward_to.to_dict()
        else:
            forward_to = self.forward_to

        active = self.active

        refused_lately: int | None
        refused_lately = self.refused_lately

        tenant_id = self.tenant_id

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        secret: None | str
        secret = self.secret

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "url": url,
                "name": name,
                "provider": provider,
                "secrets": secrets,
                "verification": verification,
                "allowed_ips": allowed_ips,
                "rate_limit": rate_limit,
                "schema": schema,
                "max_bytes": max_bytes,
                "tolerance": tolerance,
                "event_type": event_type,
                "forward": forward,
                "forward_to": forward_to,
                "active": active,
                "refused_lately": refused_lately,
                "tenant_id": tenant_id,
                "created_at": created_at,
                "updated_at": updated_at,
                "secret": secret,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.created_source_schema_type_0 import CreatedSourceSchemaType0  # noqa: PLC0415
        from ..models.created_source_verification import CreatedSourceVerification  # noqa: PLC0415
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.source_rate_limit import SourceRateLimit  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        url = d.pop("url")

        name = d.pop("name")

        provider = check_created_source_provider(d.pop("provider"))

        secrets = cast(list[str], d.pop("secrets"))

        verification = CreatedSourceVerification.from_dict(d.pop("verification"))

        allowed_ips = cast(list[str], d.pop("allowed_ips"))

        def _parse_rate_limit(data: object) -> None | SourceRateLimit:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                rate_limit_type_0 = SourceRateLimit.from_dict(data)

                return rate_limit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SourceRateLimit, data)

        rate_limit = _parse_rate_limit(d.pop("rate_limit"))

        def _parse_schema(data: object) -> bool | CreatedSourceSchemaType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schema_type_0 = CreatedSourceSchemaType0.from_dict(data)

                return schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(bool | CreatedSourceSchemaType0 | None, data)

        schema = _parse_schema(d.pop("schema"))

        max_bytes = d.pop("max_bytes")

        tolerance = d.pop("tolerance")

        event_type = d.pop("event_type")

        forward = d.pop("forward")

        def _parse_forward_to(data: object) -> EventBridgeDestination | None | QueueDestination | SqsDestination:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                forward_to_type_0_type_0 = QueueDestination.from_dict(data)

                return forward_to_type_0_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                forward_to_type_0_type_1 = SqsDestination.from_dict(data)

                return forward_to_type_0_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                forward_to_type_0_type_2 = EventBridgeDestination.from_dict(data)

                return forward_to_type_0_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EventBridgeDestination | None | QueueDestination | SqsDestination, data)

        forward_to = _parse_forward_to(d.pop("forward_to"))

        active = d.pop("active")

        def _parse_refused_lately(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        refused_lately = _parse_refused_lately(d.pop("refused_lately"))

        tenant_id = d.pop("tenant_id")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        def _parse_secret(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        secret = _parse_secret(d.pop("secret"))

        created_source = cls(
            id=id,
            url=url,
            name=name,
            provider=provider,
            secrets=secrets,
            verification=verification,
            allowed_ips=allowed_ips,
            rate_limit=rate_limit,
            schema=schema,
            max_bytes=max_bytes,
            tolerance=tolerance,
            event_type=event_type,
            forward=forward,
            forward_to=forward_to,
            active=active,
            refused_lately=refused_lately,
            tenant_id=tenant_id,
            created_at=created_at,
            updated_at=updated_at,
            secret=secret,
        )

        created_source.additional_properties = d
        return created_source

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
