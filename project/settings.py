"""Settings of a stand-alone Clarion, all from the environment (see docs/settings.md).

Where the environment is silent, the services that ``manage.py up`` runs under CLARION_DATA_DIR are used.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from project import environment as env
from webhooks.conf import Settings
from webhooks.core import tracebacks

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("CLARION_DATA_DIR", str(BASE_DIR / ".clarion")))
_running = env.state_file(DATA_DIR / "run.json")
_secrets = env.state_file(DATA_DIR / "secrets.json")

# --- Clarion's own settings: WEBHOOKS_<NAME> for each name of webhooks/conf.py
for _name, _default in vars(Settings).items():
    if _name.isupper():
        globals()[f"WEBHOOKS_{_name}"] = env.typed(f"WEBHOOKS_{_name}", _default)
WEBHOOKS_PUBLIC_URL = env.text("WEBHOOKS_PUBLIC_URL", _running.get("api_url", "https://localhost").removesuffix("/api"))
WEBHOOKS_ENCRYPTION_KEYS = tuple(env.words("WEBHOOKS_ENCRYPTION_KEYS", ",".join(_secrets.get("encryption_keys", ()))))
_public = urlsplit(WEBHOOKS_PUBLIC_URL)
_https = _public.scheme == "https"

# --- services
DATABASE_URL = env.text("DATABASE_URL", _running.get("database_url", ""))
REDIS_URL = env.redis("REDIS_URL", _running.get("redis_url", "redis://127.0.0.1:6379/1"))
CELERY_BROKER_URL = env.redis(
    "CELERY_BROKER_URL", _running.get("broker_url", "") or env.redis("REDIS_URL", "redis://127.0.0.1:6379/0")
)
WEBHOOKS_REDIS_URL = REDIS_URL
FLOWER_URL = env.text("FLOWER_URL", _running.get("flower_url", ""))

DATABASES = {"default": env.database(DATABASE_URL or "postgresql://127.0.0.1:5432/clarion")}
DATABASES["default"].setdefault("OPTIONS", {})
# The pool asks a connection for a sign of life before it hands it out: after a restart of PostgreSQL none is.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
_options = DATABASES["default"]["OPTIONS"].get("options", "")
DATABASES["default"]["OPTIONS"] |= {
    # Prepared statements are planned once; see webhooks.services.binding.
    "options": f"-c plan_cache_mode=force_generic_plan {_options}".strip(),
    # A thread borrows a connection for one statement or one short transaction.
    "pool": {
        "min_size": 1,
        "max_size": env.typed("DATABASE_POOL_SIZE", 20),
        "timeout": 3,  # seconds to wait for a free connection before the request fails with 503
        "reconnect_timeout": 1,  # seconds; then the next request tries at once, instead of after a growing delay
    },
    "connect_timeout": 5,  # seconds
    # A network that swallows packets: found out after 10 s of silence or of unanswered data, not after two hours.
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "clarion",
}

# --- Django
SECRET_KEY = env.text("SECRET_KEY", _secrets.get("secret_key", ""))
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", f"{_public.hostname or ''},localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
APPEND_SLASH = False
# Above the batch limit on purpose: the API itself answers 413 as problem+json.
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
INSTALLED_APPS = [
    "webhooks",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "webhooks.api.middleware.RequestIdMiddleware",
    "webhooks.api.browser_policy.BrowserPolicyMiddleware",
    "webhooks.api.middleware.HealthMiddleware",
    "webhooks.api.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "webhooks.api.middleware.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "webhooks.admin.login.StaffMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Scripts of other sites may call the API only where the operator names them. A bearer token is in no browser by itself,
# so no cookie goes along and nothing more is opened than the reading of answers.
CORS_ALLOWED_ORIGINS = env.words("WEBHOOKS_CORS_ORIGINS")
CORS_URLS_REGEX = r"^/(?:api|oauth)/"
CORS_ALLOW_HEADERS = ("accept", "authorization", "clarion-tenant", "content-type", "idempotency-key", "x-request-id")
CORS_EXPOSE_HEADERS = (
    "Idempotent-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate",
    "X-Request-ID",
)  # fmt: skip
if CORS_ALLOWED_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    # Outside of what makes refusals, so that a script can read those too.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("webhooks.api.middleware.HealthMiddleware"), "corsheaders.middleware.CorsMiddleware"
    )
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # Exports and uploads of operations: other people's data, so nothing serves this folder, and nobody else reads it.
    "webhooks": {
        "BACKEND": env.text("OPERATION_STORAGE_BACKEND", "django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.mapping(
            "OPERATION_STORAGE_OPTIONS",
            {
                "location": str(DATA_DIR / "operations"),
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        ),
    },
}
WHITENOISE_USE_FINDERS = True  # no collectstatic step between a clone and the first page

# --- transport security follows the public URL: https turns everything on
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", _https)
SECURE_HSTS_SECONDS = env.typed("SECURE_HSTS_SECONDS", 31_536_000 if _https else 0)  # one year
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # a link in a message opens the page with its session
SESSION_COOKIE_AGE = env.typed("SESSION_COOKIE_AGE", 43_200)  # seconds: half a day, a working day
if _https:  # by this prefix browsers take the cookie from this host alone, and from no other one of its domain
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if env.boolean("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- API: its conventions are attributes of webhooks.api.views.base.ApiView; only /api/schema needs a setting
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "webhooks.api.schema.AutoSchema"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clarion",
    "DESCRIPTION": (
        "Publish events, and have them delivered to subscribers' webhooks: signed, retried, logged.\n\n"
        "Every request carries `Authorization: Bearer clk_…` (an API key) or `Bearer clt_…` (an access token, which "
        "an OAuth client fetches from `POST /oauth/token`). A tenant's key acts for its tenant; a platform key acts "
        "for the tenant that the header `Clarion-Tenant` names and has to name one to create anything. What is said of "
        "keys here holds for the tokens of clients too.\n\n"
        "Errors are `application/problem+json` (RFC 9457) and name what is wrong: 422 with JSON Pointers for the "
        "content of a body, 400 for JSON that cannot be read and for bad parameters and headers. What Clarion does "
        "not understand is refused, never ignored. Another tenant's object is 404, as if it did not exist.\n\n"
        "Lists are newest first, in cursor pages. Times are RFC 3339 in UTC. The version of the API is a parameter "
        "of `Accept`: `application/json; version=1`."
    ),
    "VERSION": "1",
    "LICENSE": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    "TAGS": [
        {"name": "Events", "description": "What happened: publish it once, durably."},
        {
            "name": "Webhooks",
            "description": "Who wants to know: a URL, the types it wants, how to deliver them.",
        },
        {"name": "Deliveries", "description": "One event on its way to one webhook, with every attempt."},
        {
            "name": "Dead letters",
            "description": "Deliveries that were given up, to be replayed or discarded.",
        },
        {"name": "Event types", "description": "What is published, in which versions, with which schemas."},
        {"name": "Sources", "description": "Who sends webhooks to you, and how they are verified."},
        {"name": "Received messages", "description": "What your sources sent, and what was done with it."},
        {"name": "Operations", "description": "Bulk work: replays, exports and the like, done step by step."},
        {"name": "Tenants", "description": "Customers of the product that runs Clarion. For platform keys."},
        {"name": "API keys", "description": "Who may call this API, and for what."},
        {"name": "OAuth clients", "description": "The same for programs that fetch short-lived tokens."},
        {"name": "Audit", "description": "Who did what, and when."},
        {"name": "Deliveries to you", "description": "What your URL receives."},
    ],
    "SERVERS": [{"url": "/", "description": "The Clarion that serves this document."}],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["webhooks.api.schema.finish"],
    "WEBHOOKS": ["webhooks.api.schema_webhooks.EVENT_DELIVERY", "webhooks.api.schema_webhooks.BATCH_DELIVERY"],
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayRequestDuration": True,
        "defaultModelsExpandDepth": 0,
        "validatorUrl": None,  # it would tell a server of others about this one
    },
}

# --- Celery: the database is the queue, messages are doorbells that may be lost or doubled
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_ACKS_ON_FAILURE = True
CELERY_TASK_ACKS_ON_TIMEOUT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# After RabbitMQ was away Celery would restore the prefetch count from whichever thread ends a task. It reads the
# connection beside the main thread then: each gets half of a frame, and the worker stands still (webhooks.W005).
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20.0  # seconds; prefork only, threads end with their tasks
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # wait for the broker for ever
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # and for its memory: Redis that is full refuses what a worker connects with
CELERY_BROKER_POOL_LIMIT = 20
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # leases and rows settle what was running
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 5  # seconds
CELERY_TIMEZONE = "UTC"
# Without it kombu waits for ever for a broker that has taken a connection and says nothing more.
_broker_timeout = env.typed("BROKER_TIMEOUT", 5.0)  # seconds for each answer
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        # Longer than BROKER_RETRY_HORIZON (60 s) plus a drain: a doorbell that waits longer than this rings twice.
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": _broker_timeout,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        # A publish that fails does so at once: the row is safe and the sweep rings again.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
        "queue_order_strategy": "round_robin",
    }
    if CELERY_BROKER_URL.startswith("redis")
    else {
        "confirm_publish": True,
        "read_timeout": _broker_timeout,
        "write_timeout": _broker_timeout,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
    }
)
# "retry": beat keeps one connection, and a lost one of RabbitMQ's is opened again by a retry and by nothing else.
# One is enough: the next second brings the next sweep, and meanwhile beat does nothing else.
# "expires", seconds: sweeps do not pile up while nobody runs them. The worker compares with its own clock, so this is
# also how far its clock may be ahead of beat's before no sweep is run at all.
_again = {"retry": True, "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}}
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "webhooks.sweep",
        "schedule": timedelta(seconds=1),
        "options": {"expires": 300, "queue": "fan_out", **_again},
    },
    "seal": {
        "task": "webhooks.seal",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 60, **_again},
    },
    "count": {
        "task": "webhooks.count",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60, **_again},
    },
    "maintain": {
        "task": "webhooks.maintain",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, **_again},
    },
}

# --- logs: JSON lines, or a readable line on a terminal and under ``up``
_human = env.text("LOG_FORMAT", "json") == "text"
_shared: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# Places in the code only: a traceback with the values of variables shows secrets.
_exceptions = structlog.processors.ExceptionRenderer(lambda info: tracebacks.describe(info[1]).places)
structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _exceptions,
                structlog.dev.ConsoleRenderer(colors=False) if _human else structlog.processors.JSONRenderer(),
            ],
        }
    },
    "filters": {"no_doorbells": {"()": "project.logs.NoDoorbells"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["no_doorbells"]}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        # A line for each doorbell, most of them of the sweep, says nothing that Flower does not show better.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # Whoever waited for a connection says so once.
        "psycopg.pool": {"level": "ERROR"},
        # The request line has the status already.
        "django.request": {"level": "ERROR"},
    },
}
