"""A bounded memory whose entries end by themselves."""

from __future__ import annotations

import time

from webhooks.core.expiring import Expiring

LATER = 1000.0  # seconds from now: longer than any test


def kept(memory: Expiring[str, int], *names: str) -> list[int | None]:
    return [memory.get(name) for name in names]


def put(memory: Expiring[str, int], name: str, value: int, seconds: float = LATER) -> None:
    memory.put(name, value, time.monotonic() + seconds, memory.generation)


def test_it_keeps_what_is_put() -> None:
    memory: Expiring[str, int] = Expiring(10)
    put(memory, "a", 1)
    put(memory, "b", 2)
    put(memory, "a", 3)
    assert kept(memory, "a", "b", "c") == [3, 2, None]


def test_an_entry_ends_when_its_time_is_over() -> None:
    memory: Expiring[str, int] = Expiring(10)
    now = time.monotonic()
    memory.put("a", 1, now + LATER, memory.generation)
    memory.put("b", 2, now - 1, memory.generation)
    memory.put("c", 3, now, memory.generation)
    assert kept(memory, "a", "b", "c") == [1, None, None]
    put(memory, "d", 4, 0.02)
    while memory.get("d") is not None:
        time.sleep(0.005)
    assert len(memory) == 1


def test_it_never_holds_more_than_its_size() -> None:
    """Attack: ten thousand callers, each with another key."""
    memory: Expiring[str, int] = Expiring(3)
    for n in range(10_000):
        put(memory, f"k{n}", n)
    assert len(memory) == 3
    assert kept(memory, "k9996", "k9997", "k9999") == [None, 9997, 9999]


def test_what_is_used_stays_when_room_is_made() -> None:
    memory: Expiring[str, int] = Expiring(2)
    put(memory, "a", 1)
    put(memory, "b", 2)
    memory.get("a")
    put(memory, "c", 3)
    assert kept(memory, "a", "b", "c") == [1, None, 3]


def test_clear_forgets_everything() -> None:
    memory: Expiring[str, int] = Expiring(10)
    put(memory, "a", 1)
    memory.clear()
    assert kept(memory, "a") == [None]
    put(memory, "a", 2)
    assert kept(memory, "a") == [2]


def test_what_was_read_before_a_clear_is_not_kept_after_it() -> None:
    """Attack: a thread reads a key, another one revokes it and clears, then the first one puts what it read."""
    memory: Expiring[str, int] = Expiring(10)
    seen = memory.generation
    memory.clear()
    memory.put("a", 1, time.monotonic() + LATER, seen)
    assert kept(memory, "a") == [None]
