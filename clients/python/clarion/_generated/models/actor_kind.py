from typing import Literal

ActorKind = Literal[
    "anonymous", "api_key", "command", "oauth", "platform_app", "platform_key", "portal", "staff", "system"
]

ACTOR_KIND_VALUES: set[ActorKind] = {
    "anonymous",
    "api_key",
    "command",
    "oauth",
    "platform_app",
    "platform_key",
    "portal",
    "staff",
    "system",
}


def check_actor_kind(value: str) -> ActorKind:
    if value in ACTOR_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ACTOR_KIND_VALUES!r}")
