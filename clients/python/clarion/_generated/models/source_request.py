from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.source_request_provider import SourceRequestProvider, check_source_request_provider
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.event_bridge_destination import EventBridgeDestination
    from ..models.queue_destination import QueueDestination
    from ..models.source_rate_limit import SourceRateLimit
    from ..models.source_request_schema_type_0 import SourceRequestSchemaType0
    from ..models.source_request_verification import SourceRequestVerification
    from ..models.sqs_destination import SqsDestination


T = TypeVar("T", bound="SourceRequest")


@_attrs_define
class SourceRequest:
    """Somebody who sends webhooks to us."""

    name: str
    """ For people, such as Stripe (live). """
    provider: SourceRequestProvider
    """ Who signs, and how. `github`: GitHub: `X-Hub-Signature-256`; JSON or form. `stripe`: Stripe: `Stripe-
    Signature`. `shopify`: Shopify: `X-Shopify-Hmac-Sha256`. `slack`: Slack: `X-Slack-Signature`; answers the URL
    verification. `standard`: Standard Webhooks and Svix: `webhook-signature`, `whsec_` secrets and `whpk_` public
    keys. `hex`: Hex HMAC-SHA256 of the body: `X-Webhook-Signature`. `eventbridge`: Amazon EventBridge API
    destination: API key, Basic or OAuth. `api_key`: An API key in a header. `oauth2`: OAuth 2.0: a Bearer token
    (JWT), checked with the issuer's keys. `mtls`: Mutual TLS ended by your proxy, which tells the client's
    certificate in a header. `custom`: An HMAC of your description: header, algorithm, encoding, template, prefix.
    `none`: Nothing is verified: whoever knows the URL can send. """
    secrets: list[str] | Unset = _attrs_field(default=UNSET, repr=False)
    """ What the provider signs with, newest first; several while one is changed. Answers show masks, and a mask
    that is sent back keeps the secret at its place. Absent: Clarion makes one where the provider lets you choose
    it. """
    verification: SourceRequestVerification | Unset = UNSET
    """ What the provider needs besides secrets; see docs/receiving.md. """
    allowed_ips: list[str] | Unset = UNSET
    """ Networks the provider sends from; anybody else is answered 403. Empty: from anywhere. """
    rate_limit: None | SourceRateLimit | Unset = UNSET
    """ Requests taken in a period; more are answered 429 with Retry-After. null: any number. """
    schema: bool | None | SourceRequestSchemaType0 | Unset = UNSET
    """ JSON Schema (2020-12) of the content; what fails it is answered 422 and kept as rejected. At most 64 KiB;
    null: none. """
    max_bytes: int | Unset = 1048576
    """ Bytes of a body; a larger one is answered 413. """
    tolerance: int | Unset = 300
    """ Seconds that a signed time may be off, before or after, such as 300. """
    event_type: str | Unset = UNSET
    """ Type of the events that messages become; {type} is the provider's own, such as github.{type}. """
    forward: bool | Unset = True
    """ Whether a verified message becomes an event, which webhooks deliver. """
    forward_to: EventBridgeDestination | None | QueueDestination | SqsDestination | Unset = UNSET
    """ A queue that messages go to as well, as they came; secrets masked. null: none. """
    active: bool | Unset = True
    """ false: whoever sends is answered 404, as if there were no source. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.source_rate_limit import SourceRateLimit  # noqa: PLC0415
        from ..models.source_request_schema_type_0 import SourceRequestSchemaType0  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415

        name = self.name

        provider: str = self.provider

        secrets: list[str] | Unset = UNSET
        if not isinstance(self.secrets, Unset):
            secrets = self.secrets

        verification: dict[str, Any] | Unset = UNSET
        if not isinstance(self.verification, Unset):
            verification = self.verification.to_dict()

        allowed_ips: list[str] | Unset = UNSET
        if not isinstance(self.allowed_ips, Unset):
            allowed_ips = self.allowed_ips

        rate_limit: dict[str, Any] | None | Unset
        if isinstance(self.rate_limit, Unset):
            rate_limit = UNSET
        elif isinstance(self.rate_limit, SourceRateLimit):
            rate_limit = self.rate_limit.to_dict()
        else:
            rate_limit = self.rate_limit

        schema: bool | dict[str, Any] | None | Unset
        if isinstance(self.schema, Unset):
            schema = UNSET
        elif isinstance(self.schema, SourceRequestSchemaType0):
            schema = self.schema.to_dict()
        else:
            schema = self.schema

        max_bytes = self.max_bytes

        tolerance = self.tolerance

        event_type = self.event_type

        forward = self.forward

        forward_to: dict[str, Any] | None | Unset
        if isinstance(self.forward_to, Unset):
            forward_to = UNSET
        elif isinstance(self.forward_to, QueueDestination):
            forward_to = self.forward_to.to_dict()
        elif isinstance(self.forward_to, SqsDestination):
            forward_to = self.forward_to.to_dict()
        elif isinstance(self.forward_to, EventBridgeDestination):
            forward_to = self.forward_to.to_dict()
        else:
            forward_to = self.forward_to

        active = self.active

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "provider": provider,
            }
        )
        if secrets is not UNSET:
            field_dict["secrets"] = secrets
        if verification is not UNSET:
            field_dict["verification"] = verification
        if allowed_ips is not UNSET:
            field_dict["allowed_ips"] = allowed_ips
        if rate_limit is not UNSET:
            field_dict["rate_limit"] = rate_limit
        if schema is not UNSET:
            field_dict["schema"] = schema
        if max_bytes is not UNSET:
            field_dict["max_bytes"] = max_bytes
        if tolerance is not UNSET:
            field_dict["tolerance"] = tolerance
        if event_type is not UNSET:
            field_dict["event_type"] = event_type
        if forward is not UNSET:
            field_dict["forward"] = forward
        if forward_to is not UNSET:
            field_dict["forward_to"] = forward_to
        if active is not UNSET:
            field_dict["active"] = active

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.source_rate_limit import SourceRateLimit  # noqa: PLC0415
        from ..models.source_request_schema_type_0 import SourceRequestSchemaType0  # noqa: PLC0415
        from ..models.source_request_verification import SourceRequestVerification  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        provider = check_source_request_provider(d.pop("provider"))

        secrets = cast(list[str], d.pop("secrets", UNSET))

        _verification = d.pop("verification", UNSET)
        verification: SourceRequestVerification | Unset
        if isinstance(_verification, Unset):
            verification = UNSET
        else:
            verification = SourceRequestVerification.from_dict(_verification)

        allowed_ips = cast(list[str], d.pop("allowed_ips", UNSET))

        def _parse_rate_limit(data: object) -> None | SourceRateLimit | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                rate_limit_type_0 = SourceRateLimit.from_dict(data)

                return rate_limit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SourceRateLimit | Unset, data)

        rate_limit = _parse_rate_limit(d.pop("rate_limit", UNSET))

        def _parse_schema(data: object) -> bool | None | SourceRequestSchemaType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schema_type_0 = SourceRequestSchemaType0.from_dict(data)

                return schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(bool | None | SourceRequestSchemaType0 | Unset, data)

        schema = _parse_schema(d.pop("schema", UNSET))

        max_bytes = d.pop("max_bytes", UNSET)

        tolerance = d.pop("tolerance", UNSET)

        event_type = d.pop("event_type", UNSET)

        forward = d.pop("forward", UNSET)

        def _parse_forward_to(
            data: object,
        ) -> EventBridgeDestination | None | QueueDestination | SqsDestination | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
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
            return cast(EventBridgeDestination | None | QueueDestination | SqsDestination | Unset, data)

        forward_to = _parse_forward_to(d.pop("forward_to", UNSET))

        active = d.pop("active", UNSET)

        source_request = cls(
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
        )

        source_request.additional_properties = d
        return source_request

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
