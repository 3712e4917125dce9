"""The chain of hashes: each way of tampering with it, and the one that it cannot see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from webhooks.core.chain import START, Head, Link, Walk, link_hash


def chain(count: int, after: Head = Head()) -> list[Link]:  # noqa: B008  # it is frozen
    links = []
    for n in range(count):
        sequence = after.sequence + 1
        content = {"action": "webhook.updated", "n": n}
        links.append(Link(sequence, after.hashed, link_hash(sequence, after.hashed, content), content))
        after = Head(sequence, links[-1].hashed)
    return links


def fault(links: list[Link]) -> tuple[int, str]:
    walk = Walk(Head())
    assert not walk.follow(links)
    assert walk.broken is not None
    return walk.broken.sequence, walk.broken.sentence


def test_a_whole_chain_is_followed_to_its_head() -> None:
    links = chain(5)
    walk = Walk(Head())
    assert walk.follow(links[:2])
    assert walk.follow(links[2:])
    assert (walk.count, walk.head, walk.broken) == (5, Head(5, links[-1].hashed), None)


def test_it_can_be_followed_from_a_head_in_the_middle() -> None:
    links = chain(5)
    walk = Walk(Head(3, links[2].hashed))
    assert walk.follow(links[3:])
    assert walk.head.sequence == 5


def test_changed_content_is_found() -> None:
    links = chain(5)
    links[2] = replace(links[2], content={"action": "webhook.deleted", "n": 2})
    sequence, sentence = fault(links)
    assert sequence == 3
    assert "Entry 3 is not what was recorded" in sentence


def test_content_changed_with_its_hash_breaks_the_next_entry() -> None:
    links = chain(5)
    content = {"action": "webhook.deleted", "n": 2}
    links[2] = replace(links[2], content=content, hashed=link_hash(3, links[2].previous, content))
    sequence, sentence = fault(links)
    assert sequence == 4
    assert "does not follow entry 3" in sentence


@pytest.mark.parametrize(("gone", "sentence"), [(slice(2, 3), "Entry 3 is missing"), (slice(1, 3), "Entries 2 to 3")])
def test_removed_entries_are_found(gone: slice, sentence: str) -> None:
    links = chain(5)
    del links[gone]
    assert sentence in fault(links)[1]


def test_a_removed_entry_is_found_though_all_behind_it_moved_up() -> None:
    links = chain(5)
    del links[2]
    links[2:] = [replace(link, sequence=link.sequence - 1) for link in links[2:]]
    assert fault(links)[0] == 3


def test_an_inserted_entry_is_found() -> None:
    links = chain(5)
    content = {"action": "login.succeeded"}
    links.insert(2, Link(3, links[1].hashed, link_hash(3, links[1].hashed, content), content))
    assert "twice" in fault(links)[1]
    moved = [*links[:3], *(replace(link, sequence=link.sequence + 1) for link in links[3:])]
    assert fault(moved)[0] == 4


def test_reordered_entries_are_found() -> None:
    links = chain(5)
    links[1], links[2] = replace(links[2], sequence=2), replace(links[1], sequence=3)
    assert fault(links)[0] == 2


def test_an_end_that_was_cut_off_is_not_seen_by_the_chain_itself() -> None:
    walk = Walk(Head())
    assert walk.follow(chain(5)[:3])
    assert walk.head.sequence == 3, "a head that was kept elsewhere says 5"


@pytest.mark.parametrize("field", ["content", "previous", "sequence"])
def test_the_hash_covers_content_place_and_the_hash_before(field: str) -> None:
    other: dict[str, Any] = {"content": {"n": 2}, "previous": b"\1" * 32, "sequence": 2}
    link: dict[str, Any] = {"content": {"n": 1}, "previous": START, "sequence": 1}
    assert link_hash(**link) != link_hash(**{**link, field: other[field]})


def test_the_canonical_form_does_not_depend_on_the_order_of_keys() -> None:
    one, two = {"a": 1, "b": {"ä": "é", "c": None}}, {"b": {"c": None, "ä": "é"}, "a": 1}
    assert link_hash(1, START, one) == link_hash(1, START, two)
