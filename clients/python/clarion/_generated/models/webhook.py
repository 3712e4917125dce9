from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.webhook_breaker import WebhookBreaker, check_webhook_breaker
from ..models.webhook_payload_format import WebhookPayloadFormat, check_webhook_payload_format
from ..models.webhook_retry_policy_type_0 import WebhookRetryPolicyType0, check_webhook_retry_policy_type_0
from ..models.webhook_signature_schemes_item import WebhookSignatureSchemesItem, check_webhook_signature_schemes_item
from ..models.webhook_status import WebhookStatus, check_webhook_status
from ..models.webhook_validation_type_0 import WebhookValidationType0, check_webhook_validation_type_0

if TYPE_CHECKING:
    from ..models.api_key_auth import ApiKeyAuth
    from ..models.basic_auth import BasicAuth
    from ..models.batch_settings import BatchSettings
    from ..models.bearer_auth import BearerAuth
    from ..models.consent_state import ConsentState
    from ..models.event_bridge_destination import EventBridgeDestination
    from ..models.mtls_auth import MtlsAuth
    from ..models.no_auth import NoAuth
    from ..models.o_auth_2_auth import OAuth2Auth
    from ..models.queue_destination import QueueDestination
    from ..models.rate_limit_settings import RateLimitSettings
    from ..models.retry_schedule import RetrySchedule
    from ..models.signing_key import SigningKey
    from ..models.sqs_destination import SqsDestination
    from ..models.webhook_filter_type_0 import WebhookFilterType0
    from ..models.webhook_headers import WebhookHeaders
    from ..models.webhook_metadata import WebhookMetadata


T = TypeVar("T", bound="Webhook")


@_attrs_define
class Webhook:
    """A webhook: where the events of some types go, and how they are delivered."""

    id: str
    """ Id of the webhook. """
    url: None | str
    """ Where deliveries are sent: https, a public host, in canonical form. `{version}` and `{event_type}` may stand
    in the path. null: there is a `destination`. """
    webhook_url: None | str
    """ The same as `url`; accepted for it. """
    destination: EventBridgeDestination | None | QueueDestination | SqsDestination
    """ A queue in place of the URL: of an AMQP broker or a Redis (`queue`), of Amazon SQS (`sqs`), or an Amazon
    EventBridge bus (`eventbridge`). Secret parts come back masked; sending the mask keeps them. """
    event_types: list[str]
    """ Types or patterns: `order.created`, `order.*` (one segment), `order.**` (any depth), `*` (all). """
    version: None | str
    """ Only events of this version of their type; null: of every version. """
    active: bool
    """ False holds deliveries until it is true again. Absent from PUT: unchanged. """
    description: str
    """ For people. """
    metadata: WebhookMetadata
    """ Your own data, at most 16 KiB. """
    channels: list[str]
    """ Only events in one of these channels; empty: in any or none. """
    filter_: None | WebhookFilterType0
    """ At most 16 KiB. Only events with this content, such as `{"data.amount": {"$gte": 100}}`. Operators: $eq $ne
    $gt $gte $lt $lte $in $nin $exists $prefix $suffix $or $and $not. """
    content_type: str
    """ Content-Type of deliveries: application/json or a type that ends in +json. The format `cloudevents` has
    types of its own and takes none. """
    signature_schemes: list[WebhookSignatureSchemesItem]
    """ How deliveries are signed; standard and hex when absent. `standard`: Standard Webhooks v1, HMAC-SHA256
    (`webhook-signature`); `hex`: hex HMAC-SHA256 of the body (`X-Webhook-Signature`); `github`: as GitHub signs
    (`X-Hub-Signature-256`); `stripe`: as Stripe signs (`Stripe-Signature`); `standard-ed25519`: Standard Webhooks
    v1a, ed25519 (`webhook-signature`), to be checked with the public key in `signing_keys`; `rfc9421`: HTTP Message
    Signatures, ed25519 (`Signature-Input`, `Signature`), to be checked like `standard-ed25519`. """
    headers: WebhookHeaders
    """ Sent with every delivery. Values that look like secrets come back masked. """
    auth: ApiKeyAuth | BasicAuth | BearerAuth | MtlsAuth | NoAuth | OAuth2Auth
    """ How to log in at the receiver. Secret parts come back masked; sending the mask keeps them. """
    retry_policy: RetrySchedule | WebhookRetryPolicyType0
    """ `default` (20 minutes), `fast` (31 s), `standard` (75 h), `none`, or a schedule of your own. """
    retry_client_errors: bool
    """ Retry 3xx and 4xx answers as well, not only those that promise to pass. """
    timeout: int
    """ Seconds for the whole request. """
    rate_limit: None | RateLimitSettings
    """ At most so many requests in a period; null: no limit. """
    max_in_flight: int
    """ Parallel requests at most. """
    ordered: bool
    """ One delivery at a time, in the order of events; a failing one holds the others. """
    batch: BatchSettings | None
    """ Several events in one request: as soon as `max_events` wait, or one has waited for `max_wait` seconds. null:
    one event a request. """
    validation: None | WebhookValidationType0
    """ `cloudevents`: the receiver has to consent by the handshake of CloudEvents' HTTP 1.1 Web Hooks before
    anything is sent, and again when the URL changes. null: nobody is asked. """
    consent: ConsentState | None
    """ State of that handshake; null without `validation`. The webhook is paused while it is `pending`. """
    status: WebhookStatus
    """ `paused` and `disabled` hold deliveries; `disabled` is also what Clarion does to a dead endpoint. """
    disabled_reason: None | str
    """ Why it is paused or disabled; null while it is active. """
    breaker: WebhookBreaker
    """ `open`: after failures in a row nothing is sent for a while; `half_open`: one probe is due. """
    next_due_at: datetime.datetime | None
    """ When Clarion looks at this webhook next; null: nothing waits. """
    pending: int
    """ Deliveries that are not finished. Counting stops at 1000. """
    signing_keys: list[SigningKey]
    """ The ed25519 keys that sign its deliveries, newest first; several during a rotation. Also at `/.well-
    known/jwks.json?webhook=<id>`. Empty until it asks for `standard-ed25519` or `rfc9421`. """
    tenant_id: str
    """ The tenant it belongs to. """
    created_at: datetime.datetime
    """ When it was made. """
    updated_at: datetime.datetime
    """ When it was changed last. """
    payload_format: WebhookPayloadFormat = "envelope"
    """ `envelope`: id, type, data and metadata; `data`: only the data as it was published; `cloudevents`: a
    CloudEvent in JSON (structured mode, an array for batches); `cloudevents-binary`: the data, with the attributes
    in `ce-` headers. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.api_key_auth import ApiKeyAuth  # noqa: PLC0415
        from ..models.basic_auth import BasicAuth  # noqa: PLC0415
        from ..models.batch_settings import BatchSettings  # noqa: PLC0415
        from ..models.bearer_auth import BearerAuth  # noqa: PLC0415
        from ..models.consent_state import ConsentState  # noqa: PLC0415
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.no_auth import NoAuth  # noqa: PLC0415
        from ..models.o_auth_2_auth import OAuth2Auth  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.rate_limit_settings import RateLimitSettings  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415
        from ..models.webhook_filter_type_0 import WebhookFilterType0  # noqa: PLC0415

        id = self.id

        url: None | str
        url = self.url

        webhook_url: None | str
        webhook_url = self.webhook_url

        destination: dict[str, Any] | None
        if isinstance(self.destination, QueueDestination):
            destination = self.destination.to_dict()
        elif isinstance(self.destination, SqsDestination):
            destination = self.destination.to_dict()
        elif isinstance(self.destination, EventBridgeDestination):
            destination = self.destination.to_dict()
        else:
            destination = self.destination

        event_types = self.event_types

        version: None | str
        version = self.version

        active = self.active

        description = self.description

        metadata = self.metadata.to_dict()

        channels = self.channels

        filter_: dict[str, Any] | None
        if isinstance(self.filter_, WebhookFilterType0):
            filter_ = self.filter_.to_dict()
        else:
            filter_ = self.filter_

        payload_format: str = self.payload_format

        content_type = self.content_type

        signature_schemes = []
        for signature_schemes_item_data in self.signature_schemes:
            signature_schemes_item: str = signature_schemes_item_data
            signature_schemes.append(signature_schemes_item)

        headers = self.headers.to_dict()

        auth: dict[str, Any]
        if isinstance(self.auth, NoAuth):
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

        retry_policy: dict[str, Any] | str
        if isinstance(self.retry_policy, str):
            retry_policy = self.retry_policy
        else:
            retry_policy = self.retry_policy.to_dict()

        retry_client_errors = self.retry_client_errors

        timeout = self.timeout

        rate_limit: dict[str, Any] | None
        if isinstance(self.rate_limit, RateLimitSettings):
            rate_limit = self.rate_limit.to_dict()
        else:
            rate_limit = self.rate_limit

        max_in_flight = self.max_in_flight

        ordered = self.ordered

        batch: dict[str, Any] | None
        if isinstance(self.batch, BatchSettings):
            batch = self.batch.to_dict()
        else:
            batch = self.batch

        validation: None | str
        if isinstance(self.validation, str):
            validation = self.validation
        else:
            validation = self.validation

        consent: dict[str, Any] | None
        if isinstance(self.consent, ConsentState):
            consent = self.consent.to_dict()
        else:
            consent = self.consent

        status: str = self.status

        disabled_reason: None | str
        disabled_reason = self.disabled_reason

        breaker: str = self.breaker

        next_due_at: None | str
        if isinstance(self.next_due_at, datetime.datetime):
            next_due_at = self.next_due_at.isoformat()
        else:
            next_due_at = self.next_due_at

        pending = self.pending

        signing_keys = []
        for signing_keys_item_data in self.signing_keys:
            signing_keys_item = signing_keys_item_data.to_dict()
            signing_keys.append(signing_keys_item)

        tenant_id = self.tenant_id

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "url": url,
                "webhook_url": webhook_url,
                "destination": destination,
                "event_types": event_types,
                "version": version,
                "active": active,
                "description": description,
                "metadata": metadata,
                "channels": channels,
                "filter": filter_,
                "payload_format": payload_format,
                "content_type": content_type,
                "signature_schemes": signature_schemes,
                "headers": headers,
                "auth": auth,
                "retry_policy": retry_policy,
                "retry_client_errors": retry_client_errors,
                "timeout": timeout,
                "rate_limit": rate_limit,
                "max_in_flight": max_in_flight,
                "ordered": ordered,
                "batch": batch,
                "validation": validation,
                "consent": consent,
                "status": status,
                "disabled_reason": disabled_reason,
                "breaker": breaker,
                "next_due_at": next_due_at,
                "pending": pending,
                "signing_keys": signing_keys,
                "tenant_id": tenant_id,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.api_key_auth import ApiKeyAuth  # noqa: PLC0415
        from ..models.basic_auth import BasicAuth  # noqa: PLC0415
        from ..models.batch_settings import BatchSettings  # noqa: PLC0415
        from ..models.bearer_auth import BearerAuth  # noqa: PLC0415
        from ..models.consent_state import ConsentState  # noqa: PLC0415
        from ..models.event_bridge_destination import EventBridgeDestination  # noqa: PLC0415
        from ..models.mtls_auth import MtlsAuth  # noqa: PLC0415
        from ..models.no_auth import NoAuth  # noqa: PLC0415
        from ..models.o_auth_2_auth import OAuth2Auth  # noqa: PLC0415
        from ..models.queue_destination import QueueDestination  # noqa: PLC0415
        from ..models.rate_limit_settings import RateLimitSettings  # noqa: PLC0415
        from ..models.retry_schedule import RetrySchedule  # noqa: PLC0415
        from ..models.signing_key import SigningKey  # noqa: PLC0415
        from ..models.sqs_destination import SqsDestination  # noqa: PLC0415
        from ..models.webhook_filter_type_0 import WebhookFilterType0  # noqa: PLC0415
        from ..models.webhook_headers import WebhookHeaders  # noqa: PLC0415
        from ..models.webhook_metadata import WebhookMetadata  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        url = _parse_url(d.pop("url"))

        def _parse_webhook_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        webhook_url = _parse_webhook_url(d.pop("webhook_url"))

        def _parse_destination(data: object) -> EventBridgeDestination | None | QueueDestination | SqsDestination:
            if data is None:
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
            return cast(EventBridgeDestination | None | QueueDestination | SqsDestination, data)

        destination = _parse_destination(d.pop("destination"))

        event_types = cast(list[str], d.pop("event_types"))

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        active = d.pop("active")

        description = d.pop("description")

        metadata = WebhookMetadata.from_dict(d.pop("metadata"))

        channels = cast(list[str], d.pop("channels"))

        def _parse_filter_(data: object) -> None | WebhookFilterType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                filter_type_0 = WebhookFilterType0.from_dict(data)

                return filter_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | WebhookFilterType0, data)

        filter_ = _parse_filter_(d.pop("filter"))

        payload_format = check_webhook_payload_format(d.pop("payload_format"))

        content_type = d.pop("content_type")

        signature_schemes = []
        _signature_schemes = d.pop("signature_schemes")
        for signature_schemes_item_data in _signature_schemes:
            signature_schemes_item = check_webhook_signature_schemes_item(signature_schemes_item_data)

            signature_schemes.append(signature_schemes_item)

        headers = WebhookHeaders.from_dict(d.pop("headers"))

        def _parse_auth(data: object) -> ApiKeyAuth | BasicAuth | BearerAuth | MtlsAuth | NoAuth | OAuth2Auth:
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

        auth = _parse_auth(d.pop("auth"))

        def _parse_retry_policy(data: object) -> RetrySchedule | WebhookRetryPolicyType0:
            try:
                if not isinstance(data, str):
                    raise TypeError()
                retry_policy_type_0 = check_webhook_retry_policy_type_0(data)

                return retry_policy_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            retry_policy_type_1 = RetrySchedule.from_dict(data)

            return retry_policy_type_1

        retry_policy = _parse_retry_policy(d.pop("retry_policy"))

        retry_client_errors = d.pop("retry_client_errors")

        timeout = d.pop("timeout")

        def _parse_rate_limit(data: object) -> None | RateLimitSettings:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                rate_limit_type_0 = RateLimitSettings.from_dict(data)

                return rate_limit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RateLimitSettings, data)

        rate_limit = _parse_rate_limit(d.pop("rate_limit"))

        max_in_flight = d.pop("max_in_flight")

        ordered = d.pop("ordered")

        def _parse_batch(data: object) -> BatchSettings | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                batch_type_0 = BatchSettings.from_dict(data)

                return batch_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BatchSettings | None, data)

        batch = _parse_batch(d.pop("batch"))

        def _parse_validation(data: object) -> None | WebhookValidationType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                validation_type_0 = check_webhook_validation_type_0(data)

                return validation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | WebhookValidationType0, data)

        validation = _parse_validation(d.pop("validation"))

        def _parse_consent(data: object) -> ConsentState | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                consent_type_0 = ConsentState.from_dict(data)

                return consent_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ConsentState | None, data)

        consent = _parse_consent(d.pop("consent"))

        status = check_webhook_status(d.pop("status"))

        def _parse_disabled_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        disabled_reason = _parse_disabled_reason(d.pop("disabled_reason"))

        breaker = check_webhook_breaker(d.pop("breaker"))

        def _parse_next_due_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_due_at_type_0 = datetime.datetime.fromisoformat(data)

                return next_due_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_due_at = _parse_next_due_at(d.pop("next_due_at"))

        pending = d.pop("pending")

        signing_keys = []
        _signing_keys = d.pop("signing_keys")
        for signing_keys_item_data in _signing_keys:
            signing_keys_item = SigningKey.from_dict(signing_keys_item_data)

            signing_keys.append(signing_keys_item)

        tenant_id = d.pop("tenant_id")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        webhook = cls(
            id=id,
            url=url,
            webhook_url=webhook_url,
            destination=destination,
            event_types=event_types,
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
            consent=consent,
            status=status,
            disabled_reason=disabled_reason,
            breaker=breaker,
            next_due_at=next_due_at,
            pending=pending,
            signing_keys=signing_keys,
            tenant_id=tenant_id,
            created_at=created_at,
            updated_at=updated_at,
        )

        webhook.additional_properties = d
        return webhook

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
