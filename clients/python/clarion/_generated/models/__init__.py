"""Contains all the data models used in inputs/outputs"""

from .actor import Actor
from .actor_kind import ActorKind
from .api_key import ApiKey
from .api_key_auth import ApiKeyAuth
from .api_key_request import ApiKeyRequest
from .api_key_request_scopes_type_0_item import ApiKeyRequestScopesType0Item
from .api_key_scopes_type_0_item import ApiKeyScopesType0Item
from .attempt import Attempt
from .attempt_request_headers import AttemptRequestHeaders
from .attempt_status import AttemptStatus
from .attempt_timings import AttemptTimings
from .attempt_trigger import AttemptTrigger
from .audit_entry import AuditEntry
from .audit_entry_changes import AuditEntryChanges
from .audit_entry_detail import AuditEntryDetail
from .audited_object import AuditedObject
from .basic_auth import BasicAuth
from .batch import Batch
from .batch_fault import BatchFault
from .batch_result import BatchResult
from .batch_settings import BatchSettings
from .bearer_auth import BearerAuth
from .changed_value import ChangedValue
from .consent import Consent
from .consent_state import ConsentState
from .consent_state_status import ConsentStateStatus
from .created_api_key import CreatedApiKey
from .created_api_key_scopes_type_0_item import CreatedApiKeyScopesType0Item
from .created_o_auth_client import CreatedOAuthClient
from .created_o_auth_client_scopes_type_0_item import CreatedOAuthClientScopesType0Item
from .created_source import CreatedSource
from .created_source_provider import CreatedSourceProvider
from .created_source_schema_type_0 import CreatedSourceSchemaType0
from .created_source_verification import CreatedSourceVerification
from .created_webhook import CreatedWebhook
from .created_webhook_breaker import CreatedWebhookBreaker
from .created_webhook_filter_type_0 import CreatedWebhookFilterType0
from .created_webhook_headers import CreatedWebhookHeaders
from .created_webhook_metadata import CreatedWebhookMetadata
from .created_webhook_payload_format import CreatedWebhookPayloadFormat
from .created_webhook_retry_policy_type_0 import CreatedWebhookRetryPolicyType0
from .created_webhook_signature_schemes_item import CreatedWebhookSignatureSchemesItem
from .created_webhook_status import CreatedWebhookStatus
from .created_webhook_validation_type_0 import CreatedWebhookValidationType0
from .dead_letter import DeadLetter
from .dead_letter_status import DeadLetterStatus
from .delivery import Delivery
from .delivery_detail import DeliveryDetail
from .delivery_detail_status import DeliveryDetailStatus
from .delivery_detail_trigger import DeliveryDetailTrigger
from .delivery_status import DeliveryStatus
from .delivery_trigger import DeliveryTrigger
from .envelope import Envelope
from .envelope_metadata import EnvelopeMetadata
from .event import Event
from .event_bridge_destination import EventBridgeDestination
from .event_detail import EventDetail
from .event_detail_metadata import EventDetailMetadata
from .event_detail_origin import EventDetailOrigin
from .event_detail_status import EventDetailStatus
from .event_metadata import EventMetadata
from .event_origin import EventOrigin
from .event_status import EventStatus
from .event_type import EventType
from .event_type_request import EventTypeRequest
from .event_type_version import EventTypeVersion
from .event_type_version_enforcement import EventTypeVersionEnforcement
from .event_type_version_request import EventTypeVersionRequest
from .event_type_version_request_enforcement import EventTypeVersionRequestEnforcement
from .event_type_version_request_schema_type_0 import EventTypeVersionRequestSchemaType0
from .event_type_version_schema_type_0 import EventTypeVersionSchemaType0
from .fault import Fault
from .import_fault import ImportFault
from .import_report import ImportReport
from .import_request import ImportRequest
from .import_request_document import ImportRequestDocument
from .import_request_enforcement import ImportRequestEnforcement
from .list_dead_letters_status import ListDeadLettersStatus
from .list_deliveries_status import ListDeliveriesStatus
from .list_deliveries_trigger import ListDeliveriesTrigger
from .list_event_deliveries_status import ListEventDeliveriesStatus
from .list_event_deliveries_trigger import ListEventDeliveriesTrigger
from .list_events_origin import ListEventsOrigin
from .list_events_status import ListEventsStatus
from .list_operations_status import ListOperationsStatus
from .list_operations_type import ListOperationsType
from .list_received_status import ListReceivedStatus
from .list_sources_provider import ListSourcesProvider
from .list_webhook_attempts_status import ListWebhookAttemptsStatus
from .list_webhook_attempts_trigger import ListWebhookAttemptsTrigger
from .list_webhooks_status import ListWebhooksStatus
from .mtls_auth import MtlsAuth
from .new_batch_request import NewBatchRequest
from .new_event_request import NewEventRequest
from .new_event_request_metadata import NewEventRequestMetadata
from .new_event_type_request import NewEventTypeRequest
from .new_event_type_request_enforcement import NewEventTypeRequestEnforcement
from .new_event_type_request_schema_type_0 import NewEventTypeRequestSchemaType0
from .new_operation_request import NewOperationRequest
from .new_operation_request_params_type_0 import NewOperationRequestParamsType0
from .new_operation_request_type import NewOperationRequestType
from .no_auth import NoAuth
from .o_auth_2_auth import OAuth2Auth
from .o_auth_2_auth_token_endpoint_auth_method_type_0 import OAuth2AuthTokenEndpointAuthMethodType0
from .o_auth_client import OAuthClient
from .o_auth_client_request import OAuthClientRequest
from .o_auth_client_request_scopes_type_0_item import OAuthClientRequestScopesType0Item
from .o_auth_client_scopes_type_0_item import OAuthClientScopesType0Item
from .o_auth_client_secret import OAuthClientSecret
from .operation import Operation
from .operation_params import OperationParams
from .operation_progress import OperationProgress
from .operation_result_type_0 import OperationResultType0
from .operation_status import OperationStatus
from .operation_type import OperationType
from .ordered import Ordered
from .ordered_status import OrderedStatus
from .paginated_api_key_list import PaginatedApiKeyList
from .paginated_attempt_list import PaginatedAttemptList
from .paginated_audit_entry_list import PaginatedAuditEntryList
from .paginated_dead_letter_list import PaginatedDeadLetterList
from .paginated_delivery_list import PaginatedDeliveryList
from .paginated_event_list import PaginatedEventList
from .paginated_event_type_list import PaginatedEventTypeList
from .paginated_o_auth_client_list import PaginatedOAuthClientList
from .paginated_operation_list import PaginatedOperationList
from .paginated_received_list import PaginatedReceivedList
from .paginated_routed_list import PaginatedRoutedList
from .paginated_routed_list_status import PaginatedRoutedListStatus
from .paginated_source_list import PaginatedSourceList
from .paginated_tenant_list import PaginatedTenantList
from .paginated_webhook_list import PaginatedWebhookList
from .patched_source_request import PatchedSourceRequest
from .patched_source_request_provider import PatchedSourceRequestProvider
from .patched_source_request_schema_type_0 import PatchedSourceRequestSchemaType0
from .patched_source_request_verification import PatchedSourceRequestVerification
from .patched_webhook_request import PatchedWebhookRequest
from .patched_webhook_request_filter_type_0 import PatchedWebhookRequestFilterType0
from .patched_webhook_request_headers import PatchedWebhookRequestHeaders
from .patched_webhook_request_metadata import PatchedWebhookRequestMetadata
from .patched_webhook_request_payload_format import PatchedWebhookRequestPayloadFormat
from .patched_webhook_request_retry_policy_type_0 import PatchedWebhookRequestRetryPolicyType0
from .patched_webhook_request_signature_schemes_item import PatchedWebhookRequestSignatureSchemesItem
from .patched_webhook_request_validation_type_0 import PatchedWebhookRequestValidationType0
from .problem import Problem
from .processor_run import ProcessorRun
from .processor_run_status import ProcessorRunStatus
from .published import Published
from .queue_destination import QueueDestination
from .rate_limit_settings import RateLimitSettings
from .reason_request import ReasonRequest
from .received import Received
from .received_detail import ReceivedDetail
from .received_detail_body_encoding import ReceivedDetailBodyEncoding
from .received_detail_status import ReceivedDetailStatus
from .received_status import ReceivedStatus
from .refused_event import RefusedEvent
from .refused_type import RefusedType
from .replay_event_request import ReplayEventRequest
from .replay_received_request import ReplayReceivedRequest
from .replay_webhook_request import ReplayWebhookRequest
from .replay_webhook_request_status_item import ReplayWebhookRequestStatusItem
from .replayed_event import ReplayedEvent
from .retry_schedule import RetrySchedule
from .rotate_o_auth_client_secret_request import RotateOAuthClientSecretRequest
from .rotate_secret_request import RotateSecretRequest
from .rotate_source_secret_request import RotateSourceSecretRequest
from .routed import Routed
from .routed_condition_type_0 import RoutedConditionType0
from .routed_delivery_status_type_0 import RoutedDeliveryStatusType0
from .routed_reason_type_0 import RoutedReasonType0
from .routed_trigger_type_0 import RoutedTriggerType0
from .secret import Secret
from .signing_key import SigningKey
from .source import Source
from .source_provider import SourceProvider
from .source_rate_limit import SourceRateLimit
from .source_request import SourceRequest
from .source_request_provider import SourceRequestProvider
from .source_request_schema_type_0 import SourceRequestSchemaType0
from .source_request_verification import SourceRequestVerification
from .source_schema_type_0 import SourceSchemaType0
from .source_secret import SourceSecret
from .source_verification import SourceVerification
from .sqs_destination import SqsDestination
from .statistics import Statistics
from .statistics_attempts import StatisticsAttempts
from .statistics_deliveries import StatisticsDeliveries
from .statistics_errors import StatisticsErrors
from .statistics_latency_ms import StatisticsLatencyMs
from .statistics_responses import StatisticsResponses
from .statistics_series_item import StatisticsSeriesItem
from .tenant import Tenant
from .tenant_metadata_type_0 import TenantMetadataType0
from .tenant_request import TenantRequest
from .tenant_request_metadata_type_0 import TenantRequestMetadataType0
from .test_event_request import TestEventRequest
from .test_sent import TestSent
from .webhook import Webhook
from .webhook_breaker import WebhookBreaker
from .webhook_filter_type_0 import WebhookFilterType0
from .webhook_headers import WebhookHeaders
from .webhook_metadata import WebhookMetadata
from .webhook_payload_format import WebhookPayloadFormat
from .webhook_request import WebhookRequest
from .webhook_request_filter_type_0 import WebhookRequestFilterType0
from .webhook_request_headers import WebhookRequestHeaders
from .webhook_request_metadata import WebhookRequestMetadata
from .webhook_request_payload_format import WebhookRequestPayloadFormat
from .webhook_request_retry_policy_type_0 import WebhookRequestRetryPolicyType0
from .webhook_request_signature_schemes_item import WebhookRequestSignatureSchemesItem
from .webhook_request_validation_type_0 import WebhookRequestValidationType0
from .webhook_retry_policy_type_0 import WebhookRetryPolicyType0
from .webhook_signature_schemes_item import WebhookSignatureSchemesItem
from .webhook_status import WebhookStatus
from .webhook_validation_type_0 import WebhookValidationType0

__all__ = (
    "Actor",
    "ActorKind",
    "ApiKey",
    "ApiKeyAuth",
    "ApiKeyRequest",
    "ApiKeyRequestScopesType0Item",
    "ApiKeyScopesType0Item",
    "Attempt",
    "AttemptRequestHeaders",
    "AttemptStatus",
    "AttemptTimings",
    "AttemptTrigger",
    "AuditedObject",
    "AuditEntry",
    "AuditEntryChanges",
    "AuditEntryDetail",
    "BasicAuth",
    "Batch",
    "BatchFault",
    "BatchResult",
    "BatchSettings",
    "BearerAuth",
    "ChangedValue",
    "Consent",
    "ConsentState",
    "ConsentStateStatus",
    "CreatedApiKey",
    "CreatedApiKeyScopesType0Item",
    "CreatedOAuthClient",
    "CreatedOAuthClientScopesType0Item",
    "CreatedSource",
    "CreatedSourceProvider",
    "CreatedSourceSchemaType0",
    "CreatedSourceVerification",
    "CreatedWebhook",
    "CreatedWebhookBreaker",
    "CreatedWebhookFilterType0",
    "CreatedWebhookHeaders",
    "CreatedWebhookMetadata",
    "CreatedWebhookPayloadFormat",
    "CreatedWebhookRetryPolicyType0",
    "CreatedWebhookSignatureSchemesItem",
    "CreatedWebhookStatus",
    "CreatedWebhookValidationType0",
    "DeadLetter",
    "DeadLetterStatus",
    "Delivery",
    "DeliveryDetail",
    "DeliveryDetailStatus",
    "DeliveryDetailTrigger",
    "DeliveryStatus",
    "DeliveryTrigger",
    "Envelope",
    "EnvelopeMetadata",
    "Event",
    "EventBridgeDestination",
    "EventDetail",
    "EventDetailMetadata",
    "EventDetailOrigin",
    "EventDetailStatus",
    "EventMetadata",
    "EventOrigin",
    "EventStatus",
    "EventType",
    "EventTypeRequest",
    "EventTypeVersion",
    "EventTypeVersionEnforcement",
    "EventTypeVersionRequest",
    "EventTypeVersionRequestEnforcement",
    "EventTypeVersionRequestSchemaType0",
    "EventTypeVersionSchemaType0",
    "Fault",
    "ImportFault",
    "ImportReport",
    "ImportRequest",
    "ImportRequestDocument",
    "ImportRequestEnforcement",
    "ListDeadLettersStatus",
    "ListDeliveriesStatus",
    "ListDeliveriesTrigger",
    "ListEventDeliveriesStatus",
    "ListEventDeliveriesTrigger",
    "ListEventsOrigin",
    "ListEventsStatus",
    "ListOperationsStatus",
    "ListOperationsType",
    "ListReceivedStatus",
    "ListSourcesProvider",
    "ListWebhookAttemptsStatus",
    "ListWebhookAttemptsTrigger",
    "ListWebhooksStatus",
    "MtlsAuth",
    "NewBatchRequest",
    "NewEventRequest",
    "NewEventRequestMetadata",
    "NewEventTypeRequest",
    "NewEventTypeRequestEnforcement",
    "NewEventTypeRequestSchemaType0",
    "NewOperationRequest",
    "NewOperationRequestParamsType0",
    "NewOperationRequestType",
    "NoAuth",
    "OAuth2Auth",
    "OAuth2AuthTokenEndpointAuthMethodType0",
    "OAuthClient",
    "OAuthClientRequest",
    "OAuthClientRequestScopesType0Item",
    "OAuthClientScopesType0Item",
    "OAuthClientSecret",
    "Operation",
    "OperationParams",
    "OperationProgress",
    "OperationResultType0",
    "OperationStatus",
    "OperationType",
    "Ordered",
    "OrderedStatus",
    "PaginatedApiKeyList",
    "PaginatedAttemptList",
    "PaginatedAuditEntryList",
    "PaginatedDeadLetterList",
    "PaginatedDeliveryList",
    "PaginatedEventList",
    "PaginatedEventTypeList",
    "PaginatedOAuthClientList",
    "PaginatedOperationList",
    "PaginatedReceivedList",
    "PaginatedRoutedList",
    "PaginatedRoutedListStatus",
    "PaginatedSourceList",
    "PaginatedTenantList",
    "PaginatedWebhookList",
    "PatchedSourceRequest",
    "PatchedSourceRequestProvider",
    "PatchedSourceRequestSchemaType0",
    "PatchedSourceRequestVerification",
    "PatchedWebhookRequest",
    "PatchedWebhookRequestFilterType0",
    "PatchedWebhookRequestHeaders",
    "PatchedWebhookRequestMetadata",
    "PatchedWebhookRequestPayloadFormat",
    "PatchedWebhookRequestRetryPolicyType0",
    "PatchedWebhookRequestSignatureSchemesItem",
    "PatchedWebhookRequestValidationType0",
    "Problem",
    "ProcessorRun",
    "ProcessorRunStatus",
    "Published",
    "QueueDestination",
    "RateLimitSettings",
    "ReasonRequest",
    "Received",
    "ReceivedDetail",
    "ReceivedDetailBodyEncoding",
    "ReceivedDetailStatus",
    "ReceivedStatus",
    "RefusedEvent",
    "RefusedType",
    "ReplayedEvent",
    "ReplayEventRequest",
    "ReplayReceivedRequest",
    "ReplayWebhookRequest",
    "ReplayWebhookRequestStatusItem",
    "RetrySchedule",
    "RotateOAuthClientSecretRequest",
    "RotateSecretRequest",
    "RotateSourceSecretRequest",
    "Routed",
    "RoutedConditionType0",
    "RoutedDeliveryStatusType0",
    "RoutedReasonType0",
    "RoutedTriggerType0",
    "Secret",
    "SigningKey",
    "Source",
    "SourceProvider",
    "SourceRateLimit",
    "SourceRequest",
    "SourceRequestProvider",
    "SourceRequestSchemaType0",
    "SourceRequestVerification",
    "SourceSchemaType0",
    "SourceSecret",
    "SourceVerification",
    "SqsDestination",
    "Statistics",
    "StatisticsAttempts",
    "StatisticsDeliveries",
    "StatisticsErrors",
    "StatisticsLatencyMs",
    "StatisticsResponses",
    "StatisticsSeriesItem",
    "Tenant",
    "TenantMetadataType0",
    "TenantRequest",
    "TenantRequestMetadataType0",
    "TestEventRequest",
    "TestSent",
    "Webhook",
    "WebhookBreaker",
    "WebhookFilterType0",
    "WebhookHeaders",
    "WebhookMetadata",
    "WebhookPayloadFormat",
    "WebhookRequest",
    "WebhookRequestFilterType0",
    "WebhookRequestHeaders",
    "WebhookRequestMetadata",
    "WebhookRequestPayloadFormat",
    "WebhookRequestRetryPolicyType0",
    "WebhookRequestSignatureSchemesItem",
    "WebhookRequestValidationType0",
    "WebhookRetryPolicyType0",
    "WebhookSignatureSchemesItem",
    "WebhookStatus",
    "WebhookValidationType0",
)
