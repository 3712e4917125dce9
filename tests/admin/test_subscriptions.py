"""An endpoint's subscriptions are replaced as a whole, or not at all."""

from __future__ import annotations

import pytest

from tests.factories import make_endpoint
from webhooks.errors import InvalidInput, NotFound
from webhooks.models import Endpoint
from webhooks.services import endpoints, subscriptions
from webhooks.services.subscriptions import Wanted


def rows(endpoint: Endpoint) -> list[tuple[str, object, list[str]]]:
    return list(endpoint.subscriptions.order_by("pattern").values_list("pattern", "filter", "channels"))


def test_they_become_exactly_what_was_asked_for() -> None:
    endpoint = make_endpoint(event_types=["a.*", "b.*"], channels=["eu"])
    subscriptions.replace(endpoint.pk, [Wanted("b.*", {"type": "b.c"}), Wanted("c.*", None, ["us"])])
    assert rows(endpoint) == [("b.*", {"type": "b.c"}, []), ("c.*", None, ["us"])]
    assert endpoint.subscriptions.filter(tenant=endpoint.tenant).count() == 2
    assert Endpoint.objects.get().updated_at > endpoint.updated_at


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ([], "/event_types"),
        ([Wanted("a.*"), Wanted("a.*")], "/event_types/1"),
        ([Wanted("a.*"), Wanted("b.*", {"$what": 1})], "/filter/$what"),
        ([Wanted("a.*"), Wanted("b.*", None, ["no channel"])], "/channels/0"),
    ],
)
def test_one_fault_changes_nothing(wanted: list[Wanted], pointer: str) -> None:
    endpoint = make_endpoint(event_types=["kept.*"])
    with pytest.raises(InvalidInput) as caught:
        subscriptions.replace(endpoint.pk, wanted)
    assert [fault.pointer for fault in caught.value.errors] == [pointer]
    assert rows(endpoint) == [("kept.*", None, [])]


def test_a_deleted_endpoint_is_not_there() -> None:
    endpoint = make_endpoint()
    endpoints.delete(endpoint.pk)
    with pytest.raises(NotFound):
        subscriptions.replace(endpoint.pk, [Wanted("a.*")])
