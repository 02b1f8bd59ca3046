"""What to do next about a swap, by table: where the builds are, what an answer means, which move follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.azure.arm import Answer
from include.airlock.azure.sites import SlotState
from include.airlock.azure.swap_decision import (
    Move,
    Placement,
    Reply,
    Timing,
    World,
    classify,
    decide,
    placement,
)
from include.airlock.model.record import Side, SwapIntent, SwapPhase

OLD, NEW, OTHER = "1.0", "2.0", "9.9"
TIMING = Timing(timeout=600, settle=60)
START = 1_000.0


def intent(**more: object) -> SwapIntent:
    base = SwapIntent(
        phase=SwapPhase.INTENT,
        direction="forward",
        production=Side(build=OLD, deployment_id="id-old"),
        staging=Side(build=NEW, deployment_id="id-new"),
        expected=NEW,
        swapped_at="t0",
        since=START,
    )
    return base.model_copy(update=more)


def world(
    production: str | None = OLD,
    staging: str | None = NEW,
    content: str | None = None,
    swapped_at: str | None = "t0",
    operation: str | None = None,
) -> World:
    slot = SlotState("Running", "h", (), content, swapped_at, operation, None)
    return World(slot, slot, production, staging)


@pytest.mark.parametrize(
    ("seen", "where"),
    [
        (world(), Placement.UNTOUCHED),
        (world(content="id-old"), Placement.UNTOUCHED),
        (world(NEW, OLD, "id-new", "t1"), Placement.SWAPPED),
        (world(NEW, OLD, None, None), Placement.SWAPPED),
        (world(NEW, None, None, "t1"), Placement.SWAPPED),
        (world(None, OLD, "id-new", "t1"), Placement.SWAPPED),
        (world(None, OLD, None, "t1"), Placement.SWAPPED),
        (world(None, OLD, None, "t0"), Placement.UNCLEAR),
        (world(None, None, None, "t1"), Placement.UNCLEAR),
        (world(None, None, None, "t0"), Placement.UNCLEAR),
        (world(None, None, "id-old", "t0"), Placement.UNCLEAR),
        (world(None, NEW, "id-old", "t0"), Placement.UNTOUCHED),
        (world(OLD, NEW, "id-old", "t1"), Placement.SWAPPED_BACK),
        (world(OLD, NEW, None, "t1"), Placement.SWAPPED_BACK),
        (world(NEW, NEW, None, "t1"), Placement.UNCLEAR),
        (world(OLD, OLD, None, "t0"), Placement.UNCLEAR),
        (world(OLD, NEW, "id-new", "t1"), Placement.UNCLEAR),
        (world(OTHER, OLD, None, "t1"), Placement.FOREIGN),
        (world(OLD, OTHER, None, "t0"), Placement.FOREIGN),
        (world(NEW, OTHER, None, "t1"), Placement.FOREIGN),
        (world(OLD, NEW, "id-somebody-deployed", "t0"), Placement.UNTOUCHED),
    ],
)
def test_where_the_builds_are(seen: World, where: Placement) -> None:
    # Given a swap that was meant with OLD in production and NEW in staging / Then the signs place them
    assert placement(intent(), seen) is where


@pytest.mark.parametrize(
    ("status", "text", "reply"),
    [
        (202, "", Reply.ACCEPTED),
        (200, "", Reply.FINISHED),
        (
            409,
            "Cannot modify this site because another operation is in progress. OperationName: SwapSiteSlots",
            Reply.BUSY,
        ),
        (409, "There is a deployment currently in progress", Reply.BUSY),
        (409, "Slot staging has already been prepared for swap", Reply.PREPARED),
        (417, "Cannot swap slots: did not respond to http ping", Reply.TRANSIENT),
        (400, "allocation of VM instances for the site changed during the swap", Reply.TRANSIENT),
        (400, "The worker process of slot staging could not be started", Reply.BROKEN),
        (400, "Slot does not exist", Reply.REFUSED),
        (401, "", Reply.REFUSED),
        (403, "", Reply.REFUSED),
        (404, "", Reply.GONE),
        (408, "", Reply.LOST),
        (429, "", Reply.THROTTLED),
        (500, "", Reply.LOST),
        (502, "", Reply.LOST),
        (503, "", Reply.LOST),
        (504, "", Reply.LOST),
    ],
)
def test_what_an_answer_means(status: int, text: str, reply: Reply) -> None:
    body = {"Code": "X", "Message": text, "Details": []}
    assert classify(Answer(status, {}, body, text)) is reply


def test_no_answer_means_that_it_is_lost() -> None:
    assert classify(None) is Reply.LOST


def posted(reply: str | None, posts: int = 1) -> SwapIntent:
    return intent(posts=posts, reply=reply, posted_at=START, heard_at=START)


@pytest.mark.parametrize(
    ("known", "seen", "after", "move"),
    [
        (intent(), world(), 0, Move.SEND),
        (intent(), world(operation="op"), 0, Move.WAIT),
        (intent(), world(operation="op"), 601, Move.STOP),
        (intent(), world(NEW, OLD, None, "t1"), 0, Move.DONE),
        (intent(), world(OLD, NEW, None, "t1"), 0, Move.STOP),
        (intent(), world(OTHER, NEW), 0, Move.STOP),
        (intent(), world(None, None), 59, Move.WAIT),
        (intent(), world(None, None), 61, Move.STOP),
        (posted(None), world(), 59, Move.WAIT),
        (posted(None), world(), 61, Move.SEND),
        (posted("lost"), world(), 59, Move.WAIT),
        (posted("lost"), world(), 61, Move.SEND),
        (posted("lost", posts=3), world(), 61, Move.STOP),
        (posted("lost"), world(NEW, OLD, None, "t1"), 1, Move.DONE),
        (posted("lost"), world(operation="op"), 1, Move.WAIT),
        (posted("transient"), world(), 1, Move.SEND),
        (posted("transient", posts=3), world(), 1, Move.STOP),
        (posted("prepared"), world(), 1, Move.RESET),
        (posted("broken"), world(), 1, Move.STOP),
        (posted("refused"), world(), 1, Move.STOP),
        (posted("finished"), world(), 1, Move.WAIT),
        (posted("finished"), world(), 61, Move.STOP),
        (posted("finished"), world(None, None, None, "t1"), 59, Move.WAIT),
        (posted("finished"), world(None, None, None, "t1"), 61, Move.STOP),
        (posted("finished"), world(OLD, NEW, None, "t1"), 59, Move.WAIT),
        (posted("finished"), world(OLD, NEW, None, "t1"), 61, Move.STOP),
        (posted("gone"), world(), 1, Move.WAIT),
        (posted("transient"), world(), 601, Move.STOP),
    ],
)
def test_the_next_move(known: SwapIntent, seen: World, after: float, move: Move) -> None:
    assert decide(known, seen, TIMING, START + after).move is move


builds = st.sampled_from([OLD, NEW, OTHER, None])
contents = st.sampled_from(["id-old", "id-new", "id-else", None])
stamps = st.sampled_from(["t0", "t1", None])
replies = st.sampled_from([None, *[reply.value for reply in Reply]])


@given(
    builds,
    builds,
    contents,
    stamps,
    st.sampled_from([None, "op"]),
    replies,
    st.integers(0, 5),
    st.floats(0, 2_000),
)
def test_nothing_is_sent_or_called_done_without_proof(
    production: str | None,
    staging: str | None,
    content: str | None,
    stamp: str | None,
    operation: str | None,
    reply: str | None,
    posts: int,
    after: float,
) -> None:
    # Given any combination of signs / When the next move is decided
    seen = world(production, staging, content, stamp, operation)
    decision = decide(posted(reply, posts), seen, TIMING, START + after)
    # Then a request is sent only where every sign says that nothing moved and nothing runs
    if decision.move is Move.SEND:
        assert operation is None
        assert production in (OLD, None) and staging == NEW
        assert content != "id-new" and stamp == "t0"
    # And it is done only where no sign disagrees
    if decision.move is Move.DONE:
        assert operation is None
        assert production in (NEW, None) and staging in (OLD, None) and content != "id-old"
