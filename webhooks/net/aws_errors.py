"""What the error codes of AWS mean for a delivery."""

from __future__ import annotations

from webhooks.net.result import ErrorClass

NOT_TEXT = "The queue takes text in UTF-8 only, and the message is none."
NOT_AN_OBJECT = "EventBridge takes JSON objects only; use payload_format envelope or cloudevents."

_ACCESS = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
        "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity",
        "InvalidSignatureException", "MissingAuthenticationToken", "NotAuthorized", "NotAuthorizedForSourceException",
        "OptInRequired", "SignatureDoesNotMatch", "UnrecognizedClientException",
    }
)  # fmt: skip
_MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "InvalidAddress",
        "QueueDeletedRecently", "QueueDoesNotExist", "ResourceNotFoundException",
    }
)  # fmt: skip
_MESSAGE = frozenset(
    {
        "InvalidArgument", "InvalidAttributeValue", "InvalidMessageContents", "InvalidParameterValue",
        "MalformedDetail", "MessageTooLong", "MissingParameter", "RequestEntityTooLarge", "ValidationException",
    }
)  # fmt: skip


def classify(code: str) -> tuple[ErrorClass, str]:
    """Error class and sentence of an error code. What is not known may pass, and is tried again."""
    if code in _ACCESS:
        return ErrorClass.ACCESS_REFUSED, f"AWS does not accept the access key, or does not let it publish ({code})."
    if code in _MISSING:
        return ErrorClass.NO_SUCH_QUEUE, f"AWS has no such queue or event bus in this region ({code})."
    if code in _MESSAGE:
        return ErrorClass.UNACCEPTABLE_MESSAGE, f"AWS does not take this message ({code})."
    return ErrorClass.BROKER_REFUSED, f"AWS answered with an error ({code})."


def too_large(size: int, limit: int) -> str:
    """The sentence for a message that is larger than AWS takes."""
    return f"The message has {size} bytes with its headers; AWS takes {limit} at most."
