"""Typed settings. Each default can be overridden by a Django setting ``WEBHOOKS_<NAME>``.

``project/settings.py`` reads the same names from the environment, so a stand-alone Clarion is configured
by environment variables alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings


class Settings:
    """Defaults, with units. Read attributes of the module's ``conf`` instance."""

    # Where Clarion is reached from outside; used in links and the User-Agent. No trailing slash.
    PUBLIC_URL: str = "http://127.0.0.1:8000"
    # Fernet keys (url-safe base64 of 32 bytes); the first encrypts, all decrypt.
    ENCRYPTION_KEYS: tuple[str, ...] = ()
    # Redis or Valkey for guards (breaker, rates, slots, bells). Everything in it may be lost at any time.
    REDIS_URL: str = "redis://127.0.0.1:6379/1"
    # Plans that PostgreSQL keeps with a connection; off behind a pooler that gives each transaction another one.
    PREPARED_STATEMENTS: bool = True
    LOOKUP_TTL: float = 5.0  # seconds a process relies on what it read of an API key or a tenant's name

    # --- outbound guard
    ALLOW_HTTP: bool = False  # https only unless the operator says otherwise
    ALLOWED_CIDRS: str = ""  # "10.2.0.0/16:8443,127.0.0.0/8:*": private targets the operator trusts
    DENIED_CIDRS: str = ""  # "2a01:db8:64::/96": public networks that lead inside, such as one's own NAT64 prefix
    AWS_ENDPOINTS: str = ""  # "http://localstack:4566": origins that may stand in for AWS as an endpoint_url
    CONNECT_TIMEOUT: float = 5.0  # seconds; a healthy host answers a SYN in far less
    CONSENT_RATE: int = 6000  # requests a minute a receiver is asked for (CloudEvents) by a webhook without a limit
    CA_BUNDLE: str = ""  # path of a PEM file; empty: the certifi bundle

    # --- limits of input
    MAX_EVENT_BYTES: int = 262_144  # 256 KiB, the size EventBridge and SQS users know
    MAX_BATCH_BYTES: int = 5_242_880  # 5 MiB
    MAX_BATCH_EVENTS: int = 1000
    MAX_JSON_DEPTH: int = 64
    MAX_SUBSCRIPTIONS: int = 100  # patterns of one webhook
    API_RATE_LIMIT: int = 60_000  # requests of one API key in a period, all at once if need be; 0: no limit
    API_RATE_PERIOD: int = 60  # seconds; 1000 a second is more than one process answers, and stops a runaway loop
    IDEMPOTENCY_TTL: float = 86_400.0  # seconds an answer is kept for its Idempotency-Key; Stripe's users expect a day
    STRICT_EVENT_TYPES: bool = False  # refuse events whose type is not registered
    MAX_SCHEMA_BYTES: int = 65_536  # 64 KiB of JSON Schema, and as much of an example, for one version of a type
    SCHEMA_STEPS: int = 200_000  # of checking one event by its schema: half a second of a processor at worst

    # --- receiving
    MAX_RECEIVED_BYTES: int = 26_214_400  # 25 MiB, what GitHub sends at most: the most a source can allow
    RECEIVE_PERIOD: int = 60  # seconds of the two limits below
    RECEIVE_ADDRESS_LIMIT: int = 6000  # requests of one address to one source in a period; 0: no limit
    RECEIVE_REFUSED_LIMIT: int = 600  # refused ones of them, after which it has to wait; 0: no limit
    REFUSED_KEPT: int = 20  # refused requests of a source that are kept in an hour, so that its owner can see why
    PROXY_CIDRS: str = ""  # "10.0.0.0/24, unix": where proxies connect from whose word on client certificates counts

    # --- delivery
    # The CloudEvents source; {tenant} is the tenant's id. Empty: PUBLIC_URL/tenants/{tenant}
    CLOUDEVENTS_SOURCE: str = ""
    DELIVER_SHARDS: int = 4  # doorbell queues; Redis consumers take turns among queues
    DEFAULT_TIMEOUT: int = 15  # seconds, whole request
    MAX_TIMEOUT: int = 30  # seconds; threads workers have no time limit of their own
    DEFAULT_MAX_IN_FLIGHT: int = 8  # parallel requests to one endpoint
    DRAIN_BUDGET: float = 1.0  # seconds a drain keeps a worker slot before it rings again
    BUSY_DRAINS: int = 16  # drains of one worker process that get on at once; those that wait do not count
    STUCK_AFTER: float = 0.05  # seconds without an answer until a drain no longer counts as busy
    MAX_CLAIM: int = 200  # rows a drain claims at most, whatever the latency says
    MAX_CLAIM_BYTES: int = 4_194_304  # 4 MiB of event data that a drain holds in memory
    LEASE_MARGIN: float = 10.0  # seconds on top of what its work may take before a claim counts as lost
    SLOW_LATENCY: float = 1.0  # seconds of average latency from which an endpoint uses the slow lane
    BROKER_RETRY_HORIZON: float = 60.0  # seconds; a longer delay waits in the row only
    MAX_RETRY_AFTER: float = 86_400.0  # seconds; a receiver cannot postpone for longer
    BODY_LIMIT: int = 16_384  # bytes kept of a response body

    # --- guards
    BREAKER_FAILURES: int = 5  # consecutive failures that open the breaker
    BREAKER_COOLDOWN: float = 60.0  # seconds, doubling with each failed probe
    BREAKER_MAX_COOLDOWN: float = 3600.0  # seconds
    DISABLE_AFTER: float = 432_000.0  # seconds (5 days) of only failures, as Standard Webhooks suggests

    # --- received messages
    STUCK_PROCESSORS: int = 4  # calls of one process that do not end although their time is up, until it takes no more

    # --- operations: bulk work in steps
    OPERATION_LEASE: float = 60.0  # seconds until the step of a worker that is gone is done by another one
    OPERATION_STORAGE: str = "webhooks"  # the entry of STORAGES for exports and uploads; nothing may serve it
    OPERATION_FILES_TTL: float = 604_800.0  # seconds (a week) an export is kept for its download
    RESULT_LINK_TTL: float = 86_400.0  # seconds a download link works: a day, so that a callback may be read late
    MAX_IMPORT_BYTES: int = 33_554_432  # 32 MiB of one import, which a web process holds in memory
    REPLAY_RATE: int = 100  # deliveries a second of a replay that asks for no rate, so that new events get through
    MAX_REPLAY_RATE: int = 1000  # deliveries a second that a replay may ask for

    # --- people
    TRUSTED_PROXIES: int = 0  # proxies of the operator's own whose additions to X-Forwarded-For are believed
    LOGIN_TRIES_USER: int = 10  # failed logins with one name within LOGIN_PERIOD, until it has to wait
    LOGIN_TRIES_ADDRESS: int = 30  # the same from one address, where several people may sit
    LOGIN_PERIOD: float = 900.0  # seconds (15 minutes): 1000 guesses a day and name, with a wait people accept

    # --- OAuth 2.0 clients of the API
    OAUTH_TOKEN_TTL: int = 3600  # seconds a token holds: an hour, as most servers give; revoking is prompt anyway
    OAUTH_TOKEN_RATE: int = 600  # tokens of one client a minute: a fleet may start at once, a loop fills no table
    OAUTH_TRIES_ADDRESS: int = 60  # failed requests for tokens from one address within LOGIN_PERIOD

    # --- what is told to everybody
    CORS_ORIGINS: tuple[str, ...] = ()  # origins whose scripts may call the API; none: no header of CORS at all
    SECURITY_CONTACT: tuple[str, ...] = ()  # mailto:, https: or tel: for whoever finds a hole (RFC 9116)
    SECURITY_EXPIRES: str = ""  # RFC 3339: until when the contact holds; at most a year ahead
    SECURITY_POLICY: str = ""  # https: the page that says how reports are handled

    # --- retention and partitions
    RETENTION_DAYS: int = 30
    AUDIT_RETENTION_DAYS: int = 400  # more than a year, so that a yearly review finds all of it; 0: for ever
    PARTITIONS_AHEAD: int = 7  # days made in advance, so that beat may be down for a week
    FAN_OUT_BATCH: int = 500  # events routed by one transaction
    FAN_OUT_ROWS: int = 2000  # deliveries made by one transaction, so that it takes a fraction of a second
    FAN_OUT_GRACE: float = 3.0  # seconds before the sweep rings for what nobody fanned out or processed
    SWEEP_SILENCE: float = 15.0  # seconds without a sweep until workers sweep themselves; it is written each fifth

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __getattribute__(self, name: str) -> Any:
        if name.isupper():
            return getattr(django_settings, f"WEBHOOKS_{name}", object.__getattribute__(self, name))
        return object.__getattribute__(self, name)


conf = Settings()
