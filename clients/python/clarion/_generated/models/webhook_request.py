from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.webhook_request_payload_format import WebhookRequestPayloadFormat, check_webhook_request_payload_format
from ..models.webhook_request_retry_policy_type_0 import (
    WebhookRequestRetryPolicyType0,
    check_webhook_request_retry_policy_type_0,
)
from ..models.webhook_request_signature_schemes_item import (
    WebhookRequestSignatureSchemesItem,
    check_webhook_request_signature_schemes_item,
)
from ..models.webhook_request_validation_type_0 import (
    WebhookRequestValidationType0,
    check_webhook_request_validation_type_0,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.api_key_auth import ApiKeyAuth
    from ..models.basic_auth import BasicAuth
    from ..models.batch_settings import BatchSettings
    from ..models.bearer_auth import BearerAuth
    from ..models.event_bridge_destination import EventBridgeDestination
    from ..models.mtls_auth import MtlsAuth
    from ..models.no_auth import NoAuth
    from ..models.o_auth_2_auth import OAuth2Auth
    from ..models.queue_destination import QueueDestination
    from ..models.rate_limit_settings import RateLimitSettings
    from ..models.retry_schedule import RetrySchedule
    from ..models.sqs_destination import SqsDestination
    from ..models.webhook_request_filter_type_0 import WebhookRequestFilterType0
    from ..models.webhook_request_headers import WebhookRequestHeaders
    from ..models.webhook_request_metadata import WebhookRequestMetadata


T = TypeVar("T", bound="WebhookRequest")


@_attrs_define
class WebhookRequest:
    """A webhook: where the events of some types go, and how they are delivered."""

    event_types: list[str]
    """ Types or patterns: `order.created`, `order.*` (one segment), `order.**` (any depth), `*` (all). """
    url: None | str | Unset = UNSET
    """ Where deliveries are sent: https, a public host, in canonical form. `{version}` and `{event_type}` may stand
    in the path. null: there is a `destination`. """
    webhook_url: None | str | Unset = UNSET
    """ The same as `url`; accepted for it. """
    destination: EventBridgeDestination | None | QueueDestination | SqsDestination | Unset = UNSET
    """ A queue in place of the URL: of an AMQP broker or a Redis (`queue`), of Amazon SQS (`sqs`), or an Amazon
    EventBridge bus (`eventbridge`). Secret parts come back masked; sending the mask keeps them. """
    version: None | str | Unset = UNSET
    """ Only events of this version of their type; null: of every version. """
    active: bool | Unset = UNSET
    """ False holds deliveries until it is true again. Absent from PUT: unchanged. """
    description: str | Unset = UNSET
    """ For people. """
    metadata: WebhookRequestMetadata | Unset = UNSET
    """ Your own data, at most 16 KiB. """
    channels: list[str] | Unset = UNSET
    """ Only events in one of these channels; empty: in any or none. """
    filter_: None | Unset | WebhookRequestFilterType0 = UNSET
    """ At most 16 KiB. Only events with this content, such as `{"data.amount": {"$gte": 100}}`. Operators: $eq $ne
    $gt $gte $lt $lte $in $nin $exists $prefix $suffix $or $and $not. """
    payload_format: WebhookRequestPayloadFormat | Unset = "envelope"
    """ `envelope`: id, type, data and metadata; `data`: only the data as it was published; `cloudevents`: a
    CloudEvent in JSON (structured mode, an array for batches); `cloudevents-binary`: the data, with the attributes
    in `ce-` headers. """
    content_type: str | Unset = UNSET
    """ Content-Type of deliveries: application/json or a type that ends in +json. The format `cloudevents` has
    types of its own and takes none. """
    signature_schemes: list[WebhookRequestSignatureSchemesItem] | Unset = UNSET
    """ How deliveries are signed; standard and hex when absent. `standard`: Standard Webhooks v1, HMAC-SHA256
    (`webhook-signature`); `hex`: hex HMAC-SHA256 of the body (`X-Webhook-Signature`); `github`: as GitHub signs
    (`X-Hub-Signature-256`); `stripe`: as Stripe signs (`Stripe-Signature`); `standard-ed25519`: Standard Webhooks
    v1a, ed25519 (`webhook-signature`), to be checked with the public key in `signing_keys`; `rfc9421`: HTTP Message
    Signatures, ed25519 (`Signature-Input`, `Signature`), to be checked like `standard-ed25519`. """
    headers: WebhookRequestHeaders | Unset = UNSET
    """ Sent with every delivery. Values that look like secrets come back masked. """
    auth: ApiKeyAuth | BasicAuth | BearerAuth | MtlsAuth | NoAuth | OAuth2Auth | Unset = UNSET
    """ How to log in at the receiver. Secret parts come back masked; sending the mask keeps them. """
    retry_policy: RetrySchedule | Unset | WebhookRequestRetryPolicyType0 = UNSET
    """ `default` (20 minutes), `fast` (31 s), `standard` (75 h), `none`, or a schedule of your own. """
    retry_client_errors: bool | Unset = UNSET
    """ Retry 3xx and 4xx answers as well, not only those that promise to pass. """
    timeout: int | Unset = UNSET
    """ Seconds for the whole request. """
    rate_limit: None | RateLimitSettings | Unset = UNSET
    """ At most so many requests in a period; null: no limit. """
    max_in_flight: int | Unset = UNSET
    """ Parallel requests at most. """
    ordered: bool | Unset = UNSET
    """ One delivery at a time, in the order of events; a failing one holds the others. """
    batch: BatchSettings | None | Unset = UNSET
    """ Several events in one request: as soon as `max_events` wait, or one has waited for `max_wait` seconds. null:
    one event a request. """
    validation: None | Unset | WebhookRequestValidationType0 = UNSET
    """ `cloudevents`: the receiver has to consent by the handshake of CloudEvents' HTTP 1.1 Web Hooks before
    anything is sent, and again when the URL changes. null: nobody is asked. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.api_key_auth import ApiKeyAuth  # noqa: PLC0415
        from ..models.basic_auth import BasicAuth  # noqa: PLC0415
        from ..models.batch_settings import BatchSettings  # noqa: PLC0415
        from ..models.bearer_auth import BearerAuth  # noqa: PLC0415
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.no_auth import NoAuth  # noqa: PLC0415
        from ..models.o_auth_2_auth import OAuth2Auth  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.rate_limit_settings import RateLimitSettings  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415
        from ..models.webhook_request_filter_type_0 import WebhookRequestFilterType0  # noqa: PLC0415

        event_types = self.event_types

        url: None | str | Unset
        if isinstance(self.url, Unset):
            url = UNSET
        else:
            url = self.url

        webhook_url: None | str | Unset
        if isinstance(self.webhook_url, Unset):
            webhook_url = UNSET
        else:
            webhook_url = self.webhook_url

        destination: dict[str, Any] | None | Unset
        if isinstance(self.destination, Unset):
            destination = UNSET
        elif isinstance(self.destination, QueueDestination):
            destination = self.destination.to_dict()
        elif isinstance(self.destination, SqsDestination):
            destination = self.destination.to_dict()
        elif isinstance(self.destination, EventBridgeDestination):
            destination = self.destination.to_dict()
        else:
            destination = self.destination

        version: None | str | Unset
        if isinstance(self.version, Unset):
            version = UNSET
        else:
            version = self.version

        active = self.active

        description = self.description

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        channels: list[str] | Unset = UNSET
        if not isinstance(self.channels, Unset):
            channels = self.channels

        filter_: dict[str, Any] | None | Unset
        if isinstance(self.filter_, Unset):
            filter_ = UNSET
        elif isinstance(self.filter_, WebhookRequestFilterType0):
            filter_ = self.filter_.to_dict()
        else:
            filter_ = self.filter_

        payload_format: str | Unset = UNSET
        if not isinstance(self.payload_format, Unset):
            payload_format = self.payload_format

        content_type = self.content_type

        signature_schemes: list[str] | Unset = UNSET
        if not isinstance(self.signature_schemes, Unset):
            signature_schemes = []
            for signature_schemes_item_data in self.signature_schemes:
                signature_schemes_item: str = signature_schemes_item_data
                signature_schemes.append(signature_schemes_item)

        headers: dict[str, Any] | Unset = UNSET
        if not isinstance(self.headers, Unset):
            headers = self.headers.to_dict()

        auth: dict[str, Any] | Unset
        if isinstance(self.auth, Unset):
            auth = UNSET
        elif isinstance(self.auth, NoAuth):
            auth = self.auth.to_dict()
        elif isinstance(self.auth, BasicAuth):
            auth = self.auth.to_dict()
        elif isinstance(self.auth, BearerAuth):
            auth = self.auth.to_dict()
        elif isinstance(self.auth, ApiKeyAuth):
            auth = self.auth.to_dict()
        elif isinstance(self.auth, OAuth2Auth):
            auth = self.auth.to_dict()
        else:
            auth = self.auth.to_dict()

        retry_policy: dict[str, Any] | str | Unset
        if isinstance(self.retry_policy, Unset):
            retry_policy = UNSET
        elif isinstance(self.retry_policy, str):
            retry_policy = self.retry_policy
        else:
            retry_policy = self.retry_policy.to_dict()

        retry_client_errors = self.retry_client_errors

        timeout = self.timeout

        rate_limit: dict[str, Any] | None | Unset
        if isinstance(self.rate_limit, Unset):
            rate_limit = UNSET
        elif isinstance(self.rate_limit, RateLimitSettings):
            rate_limit = self.rate_limit.to_dict()
        else:
            rate_limit = self.rate_limit

        max_in_flight = self.max_in_flight

        ordered = self.ordered

        batch: dict[str, Any] | None | Unset
        if isinstance(self.batch, Unset):
            batch = UNSET
        elif isinstance(self.batch, BatchSettings):
            batch = self.batch.to_dict()
        else:
            batch = self.batch

        validation: None | str | Unset
        if isinstance(self.validation, Unset):
            validation = UNSET
        elif isinstance(self.validation, str):
            validation = self.validation
        else:
            validation = self.validation

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "event_types": event_types,
            }
        )
        if url is not UNSET:
            field_dict["url"] = url
        if webhook_url is not UNSET:
            field_dict["webhook_url"] = webhook_url
        if destination is not UNSET:
            field_dict["destination"] = destination
        if version is not UNSET:
            field_dict["version"] = version
        if active is not UNSET:
            field_dict["active"] = active
        if description is not UNSET:
            field_dict["description"] = description
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if channels is not UNSET:
            field_dict["channels"] = channels
        if filter_ is not UNSET:
            field_dict["filter"] = filter_
        if payload_format is not UNSET:
            field_dict["payload_format"] = payload_format
        if content_type is not UNSET:
            field_dict["content_type"] = content_type
        if signature_schemes is not UNSET:
            field_dict["signature_schemes"] = signature_schemes
        if headers is not UNSET:
            field_dict["headers"] = headers
        if auth is not UNSET:
            field_dict["auth"] = auth
        if retry_policy is not UNSET:
            field_dict["retry_policy"] = retry_policy
        if retry_client_errors is not UNSET:
            field_dict["retry_client_errors"] = retry_client_errors
        if timeout is not UNSET:
            field_dict["timeout"] = timeout
        if rate_limit is not UNSET:
            field_dict["rate_limit"] = rate_limit
        if max_in_flight is not UNSET:
            field_dict["max_in_flight"] = max_in_flight
        if ordered is not UNSET:
            field_dict["ordered"] = ordered
        if batch is not UNSET:
            field_dict["batch"] = batch
        if validation is not UNSET:
            field_dict["validation"] = validation

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.api_key_auth import ApiKeyAuth  # noqa: PLC0415
        from ..models.basic_auth import BasicAuth  # noqa: PLC0415
        from ..models.batch_settings import BatchSettings  # noqa: PLC0415
        from ..models.bearer_auth import BearerAuth  # noqa: PLC0415
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.mtls_auth import MtlsAuth  # noqa: PLC0415
        from ..models.no_auth import NoAuth  # noqa: PLC0415
        from ..models.o_auth_2_auth import OAuth2Auth  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.rate_limit_settings import RateLimitSettings  # noqa: PLC0415
        from ..models.retry_schedule import RetrySchedule  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415
        from ..models.webhook_request_filter_type_0 import WebhookRequestFilterType0  # noqa: PLC0415
        from ..models.webhook_request_headers import WebhookRequestHeaders  # noqa: PLC0415
        from ..models.webhook_request_metadata import WebhookRequestMetadata  # noqa: PLC0415

        d = dict(src_dict)
        event_types = cast(list[str], d.pop("event_types"))

        def _parse_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        url = _parse_url(d.pop("url", UNSET))

        def _parse_webhook_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        webhook_url = _parse_webhook_url(d.pop("webhook_url", UNSET))

        def _parse_destination(
            data: object,
        ) -> EventBridgeDestination | None | QueueDestination | SqsDestination | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                destination_type_0_type_0 = QueueDestination.from_dict(data)

                return destination_type_0_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                destination_type_0_type_1 = SqsDestination.from_dict(data)

                return destination_type_0_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                destination_type_0_type_2 = EventBridgeDestination.from_dict(data)

                return destination_type_0_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EventBridgeDestination | None | QueueDestination | SqsDestination | Unset, data)

        destination = _parse_destination(d.pop("destination", UNSET))

        def _parse_version(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        version = _parse_version(d.pop("version", UNSET))

        active = d.pop("active", UNSET)

        description = d.pop("description", UNSET)

        _metadata = d.pop("metadata", UNSET)
        metadata: WebhookRequestMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = WebhookRequestMetadata.from_dict(_metadata)

        channels = cast(list[str], d.pop("channels", UNSET))

        def _parse_filter_(data: object) -> None | Unset | WebhookRequestFilterType0:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                filter_type_0 = WebhookRequestFilterType0.from_dict(data)

                return filter_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | WebhookRequestFilterType0, data)

        filter_ = _parse_filter_(d.pop("filter", UNSET))

        _payload_format = d.pop("payload_format", UNSET)
        payload_format: WebhookRequestPayloadFormat | Unset
        if isinstance(_payload_format, Unset):
            payload_format = UNSET
        else:
            payload_format = check_webhook_request_payload_format(_payload_format)

        content_type = d.pop("content_type", UNSET)

        _signature_schemes = d.pop("signature_schemes", UNSET)
        signature_schemes: list[WebhookRequestSignatureSchemesItem] | Unset = UNSET
        if _signature_schemes is not UNSET:
            signature_schemes = []
            for signature_schemes_item_data in _signature_schemes:
                signature_schemes_item = check_webhook_request_signature_schemes_item(signature_schemes_item_data)

                signature_schemes.append(signature_schemes_item)

        _headers = d.pop("headers", UNSET)
        headers: WebhookRequestHeaders | Unset
        if isinstance(_headers, Unset):
            headers = UNSET
        else:
            headers = WebhookRequestHeaders.from_dict(_headers)

        def _parse_auth(data: object) -> ApiKeyAuth | BasicAuth | BearerAuth | MtlsAuth | NoAuth | OAuth2Auth | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                auth_type_0 = NoAuth.from_dict(data)

                return auth_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                auth_type_1 = BasicAuth.from_dict(data)

                return auth_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                auth_type_2 = BearerAuth.from_dict(data)

                return auth_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                auth_type_3 = ApiKeyAuth.from_dict(data)

                return auth_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                auth_type_4 = OAuth2Auth.from_dict(data)

                return auth_type_4
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            auth_type_5 = MtlsAuth.from_dict(data)

            return auth_type_5

        auth = _parse_auth(d.pop("auth", UNSET))

        def _parse_retry_policy(data: object) -> RetrySchedule | Unset | WebhookRequestRetryPolicyType0:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                retry_policy_type_0 = check_webhook_request_retry_policy_type_0(data)

                return retry_policy_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            retry_policy_type_1 = RetrySchedule.from_dict(data)

            return retry_policy_type_1

        retry_policy = _parse_retry_policy(d.pop("retry_policy", UNSET))

        retry_client_errors = d.pop("retry_client_errors", UNSET)

        timeout = d.pop("timeout", UNSET)

        def _parse_rate_limit(data: object) -> None | RateLimitSettings | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                rate_limit_type_0 = RateLimitSettings.from_dict(data)

                return rate_limit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RateLimitSettings | Unset, data)

        rate_limit = _parse_rate_limit(d.pop("rate_limit", UNSET))

        max_in_flight = d.pop("max_in_flight", UNSET)

        ordered = d.pop("ordered", UNSET)

        def _parse_batch(data: object) -> BatchSettings | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                batch_type_0 = BatchSettings.from_dict(data)

                return batch_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BatchSettings | None | Unset, data)

        batch = _parse_batch(d.pop("batch", UNSET))

        def _parse_validation(data: object) -> None | Unset | WebhookRequestValidationType0:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                validation_type_0 = check_webhook_request_validation_type_0(data)

                return validation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | WebhookRequestValidationType0, data)

        validation = _parse_validation(d.pop("validation", UNSET))

        webhook_request = cls(
            event_types=event_types,
            url=url,
            webhook_url=webhook_url,
            destination=destination,
            version=version,
            active=active,
            description=description,
            metadata=metadata,
            channels=channels,
            filter_=filter_,
            payload_format=payload_format,
            content_type=content_type,
            signature_schemes=signature_schemes,
            headers=headers,
            auth=auth,
            retry_policy=retry_policy,
            retry_client_errors=retry_client_errors,
            timeout=timeout,
            rate_limit=rate_limit,
            max_in_flight=max_in_flight,
            ordered=ordered,
            batch=batch,
            validation=validation,
        )

        webhook_request.additional_properties = d
        return webhook_request

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
