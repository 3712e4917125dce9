"""``auth`` and ``validation`` of the API: what is refused and where, and that secrets do not come back."""

from __future__ import annotations

from typing import Any

import pytest
import trustme

from tests.api.checks import pointers
from tests.client import ApiClient
from webhooks.core.headers import MASK
from webhooks.models import Endpoint

pytestmark = pytest.mark.usefixtures("valkey")
BASE = {"url": "https://a.example/hook", "event_types": ["*"]}
OAUTH = {"type": "oauth2", "token_url": "https://auth.example/token", "client_id": "me", "client_secret": "canary"}


def mtls() -> dict[str, str]:
    leaf = trustme.CA().issue_cert("clarion@example.com")
    return {
        "type": "mtls", "certificate": leaf.cert_chain_pems[0].bytes().decode(),
        "private_key": leaf.private_key_pem.bytes().decode(),
    }  # fmt: skip


def test_secrets_come_back_masked_and_the_mask_keeps_them(api: ApiClient) -> None:
    for given, secret in ((OAUTH | {"scope": "read"}, "client_secret"), (mtls(), "private_key")):
        made = api.post("/api/webhooks", BASE | {"auth": given})
        assert made.status_code == 201, made.content
        shown = made.json()
        assert shown["auth"][secret] == MASK
        assert given[secret] not in made.content.decode()
        path = f"/api/webhooks/{shown['id']}"
        stored = Endpoint.objects.latest("created_at").auth
        assert api.patch(path, {"auth": shown["auth"]}).status_code == 200
        assert Endpoint.objects.latest("created_at").auth == stored
        assert api.put(path, api.get(path).json()).status_code == 200


def test_a_moved_token_url_needs_the_secret_itself(api: ApiClient) -> None:
    """Attack: who may edit a webhook has its client secret sent to a server of their own."""
    shown = api.post("/api/webhooks", BASE | {"auth": OAUTH}).json()
    moved = shown["auth"] | {"token_url": "https://evil.example/token"}
    for send in (api.patch, api.put):
        assert pointers(send(f"/api/webhooks/{shown['id']}", BASE | {"auth": moved})) == ["/auth/client_secret"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"token_url": ""}, "token_url"), ({"token_url": "https://10.0.0.1/token"}, "token_url"),
        ({"token_url": "ftp://auth.example/"}, "token_url"), ({"token_url": "https://u:p@auth.example/"}, "token_url"),
        ({"token_url": "https://169.254.169.254/latest"}, "token_url"), ({"token_url": 5}, "token_url"),
        ({"token_url": "https://auth.example/{version}"}, "token_url"), ({"client_id": ""}, "client_id"),
        ({"client_id": None}, "client_id"), ({"client_secret": MASK}, "client_secret"),
        ({"client_secret": "a\nb"}, "client_secret"), ({"client_secret": "é"}, "client_secret"),
        ({"scope": "a  b"}, "scope"), ({"scope": 'a"b'}, "scope"), ({"scope": ["a"]}, "scope"),
        ({"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"), ({"audience": "x"}, "audience"),
    ],
)  # fmt: skip
def test_a_fault_of_oauth2_is_shown_where_it_is(api: ApiClient, changes: Any, pointer: str) -> None:
    assert pointers(api.post("/api/webhooks", BASE | {"auth": OAUTH | changes})) == [f"/auth/{pointer}"]


def test_a_fault_of_mtls_is_shown_where_it_is(api: ApiClient) -> None:
    good, other = mtls(), mtls()
    cases = [
        ({"certificate": "x"}, ["/auth/certificate"]), ({"private_key": other["private_key"]}, ["/auth/private_key"]),
        ({"certificate": good["certificate"] + good["private_key"]}, ["/auth/certificate"]),
        ({"private_key": MASK}, ["/auth/private_key"]), ({"private_key": None}, ["/auth/private_key"]),
        ({"certificate": 5}, ["/auth/certificate"]),
    ]  # fmt: skip
    for changes, expected in cases:
        answer = api.post("/api/webhooks", BASE | {"auth": good | changes})
        assert pointers(answer) == expected
        assert good["private_key"][30:60] not in answer.content.decode()


def test_contradictions_are_refused(api: ApiClient) -> None:
    own = {"authorization": "Bearer x"}
    cases = [
        ({"auth": OAUTH, "headers": own}, ["/headers/authorization"]),
        ({"auth": mtls(), "url": "http://127.0.0.1:8000/hook"}, ["/url"]),
        ({"validation": "cloudevents", "url": "https://a.example/{version}"}, ["/url"]),
        ({"validation": "other"}, ["/validation"]), ({"validation": True}, ["/validation"]),
    ]  # fmt: skip
    for changes, expected in cases:
        assert pointers(api.post("/api/webhooks", BASE | changes)) == expected
    assert api.post("/api/webhooks", BASE | {"auth": mtls(), "headers": own}).status_code == 201


def test_consent_is_visible_and_can_be_asked_for_again(api: ApiClient) -> None:
    shown = api.post("/api/webhooks", BASE | {"validation": "cloudevents"}).json()
    assert (shown["status"], shown["validation"], shown["consent"]["status"]) == ("paused", "cloudevents", "pending")
    path = f"/api/webhooks/{shown['id']}"
    assert api.post(f"{path}/validate").json()["status"] == "paused"
    assert api.put(path, api.get(path).json()).json()["consent"]["status"] == "pending"
    assert api.patch(path, {"validation": None}).json()["consent"] is None
    assert api.post(f"{path}/validate").status_code == 409
