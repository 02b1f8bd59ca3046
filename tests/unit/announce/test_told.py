"""What to tell next, as a table; and what is owed, in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.announce.told import (
    SETTLE_S,
    Act,
    Edit,
    Kind,
    Look,
    Medium,
    Pending,
    Place,
    Post,
    Told,
    arrived,
    given_up,
    gone,
    next_act,
    owed,
    reopened,
    unsettled,
    untold,
)
from include.airlock.model.record import Event, Outcome, Phase, ReleaseRecord
from tests.unit.announce.releases import event, region, release

SLACK = Medium(keeps=True, batch=10, body="now")
HOOK = Medium(keeps=False, batch=1)
HERE = Place(channel="C1", ts="1.1")
RUNNING = release(region("west", Phase.CHANGED, 2))
QUIET = release(region("west"))
OVER = release(region("west"), outcome=Outcome.HALTED)
IN_DOUBT = Pending(kind=Kind.HEADLINE, mark="headline", since=1.0)
HEADLINE = Post(Pending(kind=Kind.HEADLINE, mark="headline"))
EVENTS = Post(Pending(kind=Kind.EVENTS, mark="events:west:2", events=(("west", 1), ("west", 2))))
FIRST = Post(Pending(kind=Kind.EVENTS, mark="events:west:1", events=(("west", 1),)))
ENDING = Post(Pending(kind=Kind.ENDING, mark="ending:1", ending=Outcome.HALTED))
POSTED = Told(headline=HERE, body="now")

CASES: list[tuple[str, ReleaseRecord, Told, Medium, set[Kind], Act | None]] = [
    ("nothing told: the headline first", RUNNING, Told(), SLACK, set(), HEADLINE),
    ("in doubt: look before anything else", OVER, Told(pending=IN_DOUBT), SLACK, set(), Look(IN_DOUBT)),
    ("headline refused: nothing to reply to", RUNNING, Told(), SLACK, {Kind.HEADLINE}, None),
    ("headline old: edit", RUNNING, Told(headline=HERE, body="old"), SLACK, set(), Edit()),
    ("edit refused: go on", RUNNING, Told(headline=HERE, body="old"), SLACK, {Kind.EDIT}, EVENTS),
    ("headline fresh: its thread", RUNNING, POSTED, SLACK, set(), EVENTS),
    ("all told", QUIET, POSTED, SLACK, set(), None),
    ("over: the end", OVER, POSTED, SLACK, set(), ENDING),
    ("the end told", OVER, Told(headline=HERE, body="now", ended=Outcome.HALTED), SLACK, set(), None),
    ("headline gone: no edit, no thread", RUNNING, Told(alone=True), SLACK, set(), None),
    ("headline gone: the end all the same", OVER, Told(alone=True), SLACK, set(), ENDING),
    ("a hook is never edited", QUIET, Told(headline=Place()), HOOK, set(), None),
    ("a hook hears one event at a time", RUNNING, Told(headline=Place()), HOOK, set(), FIRST),
    ("a hook that refused the start hears the rest", RUNNING, Told(), HOOK, {Kind.HEADLINE}, FIRST),
]


@pytest.mark.parametrize(
    ("record", "told", "medium", "skip", "act"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_next_act(
    record: ReleaseRecord, told: Told, medium: Medium, skip: set[Kind], act: Act | None
) -> None:
    """Given what was told, then the next act is as the table says."""
    assert next_act(record, told, medium, skip) == act


def test_events_are_told_by_time_and_each_list_in_its_own_order() -> None:
    """Given events of two regions and of the release, then time orders them, never against n."""
    west = [event(1, "a", minute=1), event(2, "b", minute=3)]
    north = [event(1, "c", minute=4), event(2, "d", minute=2)]
    record = release(region("west"), region("north"))
    record.regions[0].events, record.regions[1].events = west, north
    record.events = [event(1, "e", minute=2)]

    told = [(name, each.text) for name, each in untold(record, Told())]

    assert told == [("west", "a"), ("", "e"), ("west", "b"), ("north", "c"), ("north", "d")]


def test_two_lists_count_apart() -> None:
    """Given event 1 of west told, then event 1 of north is not."""
    record = release(region("west", Phase.CHANGED, 2), region("north", Phase.CHANGED, 1))

    assert [(name, each.n) for name, each in untold(record, Told(heard={"west": 1}))] == [
        ("north", 1),
        ("west", 2),
    ]


def test_what_arrived_is_not_told_again() -> None:
    """Given events that arrived, then only later ones are untold."""
    told = arrived(POSTED, EVENTS.pending, Place(), "")

    assert told.heard == {"west": 2}
    assert told.pending is None
    assert next_act(RUNNING, told, SLACK) is None


def test_a_headline_that_was_found_is_brought_up_to_date() -> None:
    """Given a headline found by a look, when nobody knows what it says, then it is edited."""
    assert next_act(QUIET, arrived(Told(), IN_DOUBT, HERE, ""), SLACK) == Edit()


@pytest.mark.parametrize("pending", [HEADLINE.pending, EVENTS.pending, ENDING.pending])
def test_what_is_given_up_is_never_posted_again(pending: Pending) -> None:
    """Given a post nobody can ask about, when it is given up, then it counts as told."""
    start = (
        Told(pending=pending)
        if pending.kind is Kind.HEADLINE
        else Told(headline=HERE, body="now", pending=pending)
    )
    record = release(region("west", Phase.CHANGED, 2), outcome=Outcome.HALTED)
    told = given_up(start, pending)
    kinds = []
    while act := next_act(record, told, SLACK):
        assert isinstance(act, Post)
        kinds.append(act.kind)
        told = arrived(told, act.pending, HERE, "now")

    assert pending.kind not in kinds


def test_a_deleted_headline_keeps_its_doubts_as_told() -> None:
    """Given an ending in doubt, when its thread is deleted, then it is not posted again."""
    told = gone(Told(headline=HERE, body="now", pending=ENDING.pending))

    assert next_act(OVER, told, SLACK) is None


def test_a_release_that_runs_again_will_end_again() -> None:
    """Given a told halt, when the release runs again and halts again, then that is a second ending."""
    told = reopened(QUIET, Told(headline=HERE, body="now", ended=Outcome.HALTED, endings=1))

    act = next_act(OVER, told, SLACK)

    assert isinstance(act, Post)
    assert act.pending.mark == "ending:2"


@pytest.mark.parametrize(
    ("age", "left"), [(0.0, SETTLE_S), (5.0, SETTLE_S - 5), (SETTLE_S, 0.0), (99.0, 0.0)]
)
def test_a_post_may_arrive_late(age: float, left: float) -> None:
    """Given a post without an answer, then a look that finds nothing proves nothing for a while."""
    assert unsettled(IN_DOUBT, IN_DOUBT.since + age) == left


@pytest.mark.parametrize(
    ("record", "told", "medium", "words"),
    [
        (RUNNING, Told(), SLACK, ["that the release has started", "2 events"]),
        (RUNNING, Told(headline=HERE, body="old"), SLACK, ["where the release stands now", "2 events"]),
        (RUNNING, Told(headline=HERE, body="now", heard={"west": 1}), SLACK, ["1 event"]),
        (OVER, POSTED, SLACK, ["how it ended"]),
        (RUNNING, Told(headline=Place()), HOOK, ["2 events"]),
        (QUIET, POSTED, SLACK, []),
    ],
)
def test_what_is_owed_is_said_in_words(
    record: ReleaseRecord, told: Told, medium: Medium, words: list[str]
) -> None:
    """Given what was told, then the rest is named for the log."""
    assert owed(record, told, medium) == words


@given(
    st.lists(st.tuples(st.sampled_from(["", "west", "north"]), st.integers(1, 30)), unique=True),
    st.integers(1, 10),
)
def test_every_event_is_told_exactly_once(names: list[tuple[str, int]], batch: int) -> None:
    """Given any events with gaps and in any order, when told in batches, then each is told once."""
    record = release(region("west"), region("north"))
    lists = {"": record.events, "west": record.regions[0].events, "north": record.regions[1].events}
    for name, n in names:
        lists[name].append(Event(n=n, at=f"{(n * 7) % 5}", text="x"))
    told = POSTED
    heard: list[tuple[str, int]] = []
    while isinstance(act := next_act(record, told, Medium(keeps=True, batch=batch, body="now")), Post):
        assert 1 <= len(act.pending.events) <= batch
        heard += act.pending.events
        told = arrived(told, act.pending, Place(), "")

    assert sorted(heard) == sorted(names)


def test_what_was_told_survives_being_stored() -> None:
    """Given a full memory, when stored as JSON and read again, then it is the same."""
    told = Told(
        headline=HERE, body="b", heard={"": 1}, ended=Outcome.HALTED, endings=1, pending=EVENTS.pending
    )

    stored = json.loads(json.dumps(told.model_dump(mode="json")))

    assert Told.model_validate({**stored, "later": 1}) == told
