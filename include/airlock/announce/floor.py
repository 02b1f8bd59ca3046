"""One teller of a release at a time: a step that asks people tells at once, while the tell steps go on.

Two at once could both post, and the older of the two could write over what the newer one said.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from include.airlock.announce.notifier import Store
from include.airlock.announce.tell import BUDGET_S, Clock

log = logging.getLogger(__name__)

KEY = "floor"
HELD_S = 2 * BUDGET_S
"""Seconds after which a teller that has not given the floor back is held for dead."""

_BETWEEN_LOOKS_S = 0.2
_SETTLES_S = 0.1
"""The store has no compare-and-swap: of two that write at once the last one has it, seen a moment later."""


@contextmanager
def floor(store: Store, clock: Clock | None = None) -> Iterator[None]:
    """Have the floor of one release, at the latest when its holder must be dead. Never raises.

    Read the record inside: what waited here may hold an old one. A store that fails gives the floor to
    everybody; what was told is protected by what is written down before each post.
    """
    clock, mine = clock or Clock(), uuid4().hex
    try:
        _take(store, mine, clock)
    except Exception as trouble:  # noqa: BLE001  # whatever the store is made of: telling never breaks doing
        log.warning("who tells can't be agreed on: %s", trouble)
    try:
        yield
    finally:
        _give_back(store, mine)


def _take(store: Store, mine: str, clock: Clock) -> None:
    until = clock.steady() + HELD_S
    while clock.steady() < until:
        if not _is_held(store, clock):
            store.set(KEY, {"by": mine, "until": clock.wall() + HELD_S})
            clock.sleep(_SETTLES_S)
            if (store.get(KEY) or {}).get("by") == mine:
                return
        clock.sleep(_BETWEEN_LOOKS_S)


def _is_held(store: Store, clock: Clock) -> bool:
    held = store.get(KEY) or {}
    until = held.get("until")
    return isinstance(until, float) and clock.wall() < until <= clock.wall() + 2 * HELD_S


def _give_back(store: Store, mine: str) -> None:
    try:
        if (store.get(KEY) or {}).get("by") == mine:
            store.set(KEY, {})
    except Exception as trouble:  # noqa: BLE001  # as above; it runs out by itself
        log.warning("the floor is not given back: %s", trouble)
