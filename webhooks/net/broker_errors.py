"""What the errors of py-amqp and redis-py mean for a delivery."""

from __future__ import annotations

import ssl

from amqp import exceptions as amqp
from redis import exceptions as redis

from webhooks.net.result import ErrorClass

_AMQP = {
    312: ErrorClass.NO_SUCH_QUEUE,  # no route: published with "mandatory"
    403: ErrorClass.ACCESS_REFUSED,
    404: ErrorClass.NO_SUCH_QUEUE,
    406: ErrorClass.UNACCEPTABLE_MESSAGE,  # precondition failed: larger than the broker's max_message_size
    530: ErrorClass.ACCESS_REFUSED,  # not allowed: no such virtual host, or not for this user
}
_SENTENCES = {
    ErrorClass.ACCESS_REFUSED: "The broker does not accept the user name and password, or does not let them publish.",
    ErrorClass.NO_SUCH_QUEUE: "The broker has no queue of this name; make it first, Clarion does not.",
    ErrorClass.UNACCEPTABLE_MESSAGE: "The broker does not take the message; it may be larger than it allows.",
    ErrorClass.BROKER_REFUSED: "The broker answered with an error.",
    ErrorClass.TIMEOUT: "The broker did not confirm the message within the timeout.",
    ErrorClass.CONNECTION_RESET: "The broker closed the connection without a confirmation.",
    ErrorClass.PROTOCOL_ERROR: "The host does not speak the broker's protocol.",
    ErrorClass.INTERNAL_ERROR: "Clarion failed while publishing; its log has the cause.",
}


def classify(error: Exception, *, late: bool) -> tuple[ErrorClass, str]:
    """Error class and sentence. ``late``: the deadline has passed, so whatever broke was broken by it."""
    kind = ErrorClass.TIMEOUT if late else _kind(error)
    return kind, _SENTENCES[kind]


def _kind(error: Exception) -> ErrorClass:
    if isinstance(error, amqp.MessageNacked):
        return ErrorClass.BROKER_REFUSED  # a full queue, or a node that has just failed
    if isinstance(error, amqp.AMQPError):
        return _amqp(error)
    if isinstance(error, redis.RedisError):
        return _redis(error)
    if isinstance(error, TimeoutError):
        return ErrorClass.TIMEOUT
    if isinstance(error, ssl.SSLError | OSError):
        return ErrorClass.CONNECTION_RESET
    # py-amqp stumbles over bytes that are not AMQP in many ways
    return ErrorClass.PROTOCOL_ERROR if type(error).__module__ in ("builtins", "struct") else ErrorClass.INTERNAL_ERROR


def _amqp(error: amqp.AMQPError) -> ErrorClass:
    if isinstance(error, amqp.UnexpectedFrame | amqp.FrameSyntaxError):
        return ErrorClass.PROTOCOL_ERROR
    code = int(getattr(error, "reply_code", None) or getattr(error, "code", None) or 0)
    return _AMQP.get(code, ErrorClass.BROKER_REFUSED)


def _redis(error: redis.RedisError) -> ErrorClass:
    if isinstance(error, redis.AuthenticationError | redis.AuthorizationError | redis.NoPermissionError):
        return ErrorClass.ACCESS_REFUSED
    if isinstance(error, redis.TimeoutError):
        return ErrorClass.TIMEOUT
    if isinstance(error, redis.InvalidResponse):
        return ErrorClass.PROTOCOL_ERROR
    if isinstance(error, redis.BusyLoadingError | redis.ResponseError):
        return ErrorClass.BROKER_REFUSED
    if isinstance(error, redis.ConnectionError):
        return ErrorClass.CONNECTION_RESET
    return ErrorClass.BROKER_REFUSED
