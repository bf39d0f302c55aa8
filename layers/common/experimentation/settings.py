"""The deployment's settings, from environment variables that are read when first needed."""

import os

from experimentation.domain.errors import ConfigurationError

LONGEST_ACCESS_TOKEN_SECONDS = 86_400


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"the environment variable {name} is not set")
    return value


def data_table() -> str:
    """Name of the table of experiments, users, events and rollups."""
    return _required("DATA_TABLE")


def accounts_table() -> str:
    """Name of the table that decides about access."""
    return _required("ACCOUNTS_TABLE")


def events_topic_arn() -> str:
    """ARN of the topic that accepted events are published to."""
    return _required("EVENTS_TOPIC_ARN")


def notification_bus_arn() -> str:
    """ARN of the event bus on which facts about experiments are told."""
    return _required("NOTIFICATION_BUS_ARN")


def archive_bucket() -> str:
    """Name of the bucket that keeps every event as newline-delimited JSON."""
    return _required("ARCHIVE_BUCKET")


def retention_days() -> int:
    """How long events are accepted and kept, in days."""
    return int(os.environ.get("RETENTION_DAYS", "90"))


def signing_secret_arn() -> str:
    """ARN of the secret that holds the keys which sign access tokens."""
    return _required("SIGNING_SECRET_ARN")


def admin_secret_arn() -> str:
    """ARN of the secret that holds the first admin's name and password."""
    return _required("ADMIN_SECRET_ARN")


def access_token_seconds() -> int:
    """How long an access token is valid: at most a day, when entries of the deny list expire."""
    seconds = int(os.environ.get("JWT_EXPIRATION_MINUTES", "15")) * 60
    if not 0 < seconds <= LONGEST_ACCESS_TOKEN_SECONDS:
        raise ConfigurationError("JWT_EXPIRATION_MINUTES should be from 1 to 1440")
    return seconds


def refresh_token_seconds() -> int:
    """How long a refresh token is valid."""
    return int(os.environ.get("REFRESH_EXPIRATION_DAYS", "30")) * 86_400


def session_seconds() -> int:
    """How long a session lasts at most, however often it is refreshed."""
    return int(os.environ.get("SESSION_EXPIRATION_DAYS", "90")) * 86_400


def oidc_issuer() -> str:
    """Issuer identifier of the OpenID provider that people may sign in at; empty when there is none."""
    return os.environ.get("OIDC_ISSUER", "")


def oidc_client_id() -> str:
    """The client identifier of this deployment at the OpenID provider."""
    return _required("OIDC_CLIENT_ID")


def oidc_client_secret_arn() -> str:
    """ARN of the client secret; empty for a public client, which only PKCE protects."""
    return os.environ.get("OIDC_CLIENT_SECRET_ARN", "")


def oidc_name() -> str:
    """The OpenID provider's name for people."""
    return os.environ.get("OIDC_NAME", "single sign-on")


def oidc_scopes() -> str:
    """The scopes to request from the OpenID provider, separated by blanks."""
    return os.environ.get("OIDC_SCOPES", "openid email")


def oidc_username_claim() -> str:
    """The claim of an ID token that is the person's name here."""
    return os.environ.get("OIDC_USERNAME_CLAIM", "email")


def oidc_role_claim() -> str:
    """The claim of an ID token that says what the person may do."""
    return os.environ.get("OIDC_ROLE_CLAIM", "roles")


def oidc_roles() -> dict[str, str]:
    """The role here for each value of that claim which has one: `value=role`, separated by commas."""
    pairs = os.environ.get("OIDC_ROLES", "admin=admin,user=user,viewer=viewer").split(",")
    return {value.strip(): role.strip() for value, _, role in (pair.rpartition("=") for pair in pairs)}


def oidc_session_seconds() -> int:
    """How long a session from the OpenID provider lasts: a person removed there loses access by then."""
    return int(os.environ.get("OIDC_SESSION_HOURS", "12")) * 3_600


def public_base_url() -> str:
    """Base URL for browsers where it is not the gateway's own host; else empty."""
    return os.environ.get("PUBLIC_BASE_URL", "").rstrip("/")


def edge_secret() -> str:
    """The secret that requests through the edge cache carry; empty without an edge cache."""
    return os.environ.get("EDGE_SECRET", "")


_QUEUES = {"count": "COUNT_QUEUE_URL", "archive": "ARCHIVE_QUEUE_URL"}
_DEAD_LETTER_QUEUES = {
    "count": "COUNT_DEAD_LETTER_QUEUE_URL",
    "archive": "ARCHIVE_DEAD_LETTER_QUEUE_URL",
    "count-subscription": "COUNT_SUBSCRIPTION_DEAD_LETTER_QUEUE_URL",
    "archive-subscription": "ARCHIVE_SUBSCRIPTION_DEAD_LETTER_QUEUE_URL",
}


def queue_url(name: str) -> str:
    """URL of the queue that feeds a worker: "count" or "archive"."""
    return _required(_QUEUES[name])


def dead_letter_queue_url(name: str) -> str:
    """URL of the dead-letter queue of a queue ("count") or its subscription ("count-subscription")."""
    return _required(_DEAD_LETTER_QUEUES[name])
