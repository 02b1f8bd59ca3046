"""What to do next about one machine, by table: its phase, where it stands, its command, its time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.aws.commands import Status
from include.airlock.aws.standing import Standing
from include.airlock.aws.turn import MOST_SENDS, Cause, Limits, Move, Sight, decide
from include.airlock.model.health import Healthy, Unhealthy
from include.airlock.model.machines import Command, MachinePhase, MachineRecord, Membership
from include.airlock.model.streak import Accept, Fail, Wait

IN, OUT, DRAINING = Standing.IN_SERVICE, Standing.OUT, Standing.DRAINING
NEW, ILL, UNKNOWN = Standing.REGISTERING, Standing.UNHEALTHY, Standing.UNKNOWN
LIMITS = Limits(capacity=600, drain=360, command=180, settle=30, healthy=300, soak=3, slow_start=40)
START = 10_000.0
WELL = Healthy("2")


def machine(phase: MachinePhase, **more: Any) -> MachineRecord:
    return MachineRecord(id="i-1", aim="2", old_build="1", phase=phase, since=START, **more)


def command(sends: int = 1, known: bool = True, withdrawn: bool = False) -> Command:
    name = "c1" if known else None
    return Command(token="t", build="2", sent_at=START, id=name, sends=sends, withdrawn=withdrawn)


def sight(*standings: Standing, **more: Any) -> Sight:
    places = [
        Membership(kind="target_group", key=f"g{n}", name=f"g{n}", target="i-1", port=80) for n in (1, 2)
    ]
    return Sight(tuple(zip(places, standings, strict=False)), **more)


def moved(record: MachineRecord, seen: Sight, after: float) -> tuple[Move, Cause | None]:
    decision = decide(record, seen, LIMITS, START + after)
    assert decision.why
    return decision.move, decision.cause


@pytest.mark.parametrize("phase", [MachinePhase.WAITING, MachinePhase.LEAVING])
@pytest.mark.parametrize(
    ("seen", "after", "move", "cause"),
    [
        (sight(IN, IN), 0, Move.LEAVE, None),
        (sight(IN, OUT), 0, Move.LEAVE, None),
        (sight(ILL, OUT), 0, Move.LEAVE, None),
        (sight(NEW, OUT), 0, Move.LEAVE, None),
        (sight(UNKNOWN, OUT), 0, Move.LEAVE, None),
        (sight(OUT, OUT, lifecycle="InService"), 0, Move.LEAVE, None),
        (sight(IN, IN, barred="too few"), 600, Move.WAIT, None),
        (sight(IN, IN, barred="too few"), 601, Move.STOP, Cause.CAPACITY),
        (sight(OUT, IN, barred="too few"), 601, Move.STOP, Cause.CAPACITY),
        (sight(DRAINING, OUT), 360, Move.WAIT, None),
        (sight(DRAINING, OUT), 361, Move.STOP, Cause.STALLED),
        (sight(OUT, OUT, lifecycle="EnteringStandby"), 0, Move.WAIT, None),
        (sight(OUT, OUT, lifecycle="gone from its group"), 361, Move.STOP, Cause.STALLED),
        (sight(OUT, OUT), 9_999, Move.SEND, None),
        (sight(OUT, OUT, lifecycle="Standby"), 0, Move.SEND, None),
        (sight(), 0, Move.SEND, None),
    ],
)
def test_leaving(phase: MachinePhase, seen: Sight, after: float, move: Move, cause: Cause | None) -> None:
    assert moved(machine(phase), seen, after) == (move, cause)


@pytest.mark.parametrize(
    ("known", "seen", "after", "move", "cause"),
    [
        (None, sight(OUT, OUT), 0, Move.SEND, None),
        (command(sends=0, known=False), sight(OUT, OUT), 0, Move.SEND, None),
        (None, sight(IN, OUT), 0, Move.LEAVE, None),
        (None, sight(DRAINING, OUT), 0, Move.LEAVE, None),
        (None, sight(IN, OUT, barred="too few"), 0, Move.STOP, Cause.CAPACITY),
        (command(known=False), sight(OUT), 30, Move.WAIT, None),
        (command(known=False), sight(OUT), 31, Move.SEND, None),
        (command(known=False), sight(IN), 31, Move.STOP, Cause.STALLED),
        (command(sends=MOST_SENDS, known=False), sight(OUT), 31, Move.STOP, Cause.DEPLOY),
        (command(), sight(OUT), 0, Move.WAIT, None),
        (command(), sight(OUT, command=Status.PENDING), 180, Move.WAIT, None),
        (command(), sight(OUT, command=Status.PENDING), 181, Move.STOP, Cause.DEPLOY),
        (command(), sight(OUT, command=Status.RUNNING), 181, Move.STOP, Cause.DEPLOY),
        (command(), sight(OUT, command=Status.FAILED), 0, Move.STOP, Cause.DEPLOY),
        (command(), sight(OUT, command=Status.TIMED_OUT), 0, Move.STOP, Cause.DEPLOY),
        (command(), sight(OUT, command=Status.CANCELLED), 0, Move.STOP, Cause.DEPLOY),
        (command(withdrawn=True), sight(OUT, command=Status.CANCELLED), 0, Move.SEND, None),
        (command(withdrawn=True), sight(IN, command=Status.CANCELLED), 0, Move.STOP, Cause.STALLED),
        (
            command(MOST_SENDS, withdrawn=True),
            sight(OUT, command=Status.CANCELLED),
            0,
            Move.STOP,
            Cause.DEPLOY,
        ),
        (command(withdrawn=True), sight(OUT, command=Status.FAILED), 0, Move.STOP, Cause.DEPLOY),
        (command(), sight(OUT, command=Status.SUCCEEDED), 0, Move.WAIT, None),
        (command(), sight(OUT, command=Status.SUCCEEDED, page=Wait(1.0, "w")), 999, Move.WAIT, None),
        (command(), sight(OUT, command=Status.SUCCEEDED, page=Accept("well")), 999, Move.JOIN, None),
        (
            command(),
            sight(OUT, command=Status.SUCCEEDED, page=Fail(True, "ill")),
            0,
            Move.STOP,
            Cause.UNHEALTHY,
        ),
        (
            command(),
            sight(OUT, command=Status.SUCCEEDED, page=Fail(False, "?")),
            0,
            Move.STOP,
            Cause.UNPROVEN,
        ),
    ],
)
def test_deploying(known: Command | None, seen: Sight, after: float, move: Move, cause: Cause | None) -> None:
    assert moved(machine(MachinePhase.DEPLOYING, command=known), seen, after) == (move, cause)


SOAKED = {"soaked": 3, "in_service_at": START}


@pytest.mark.parametrize(
    ("more", "seen", "after", "move", "cause"),
    [
        ({}, sight(), 0, Move.DONE, None),
        ({}, sight(OUT, OUT), 9_999, Move.JOIN, None),
        ({"joined_at": START}, sight(OUT, IN), 300, Move.JOIN, None),
        ({"joined_at": START}, sight(OUT, IN), 301, Move.STOP, Cause.STALLED),
        ({}, sight(DRAINING, IN), 0, Move.JOIN, None),
        ({}, sight(IN, IN, lifecycle="Standby"), 0, Move.JOIN, None),
        ({}, sight(NEW, IN), 300, Move.WAIT, None),
        ({}, sight(NEW, IN), 341, Move.STOP, Cause.STALLED),
        ({}, sight(UNKNOWN, IN), 0, Move.WAIT, None),
        ({}, sight(IN, IN, lifecycle="Pending"), 0, Move.WAIT, None),
        (SOAKED, sight(ILL, IN), 341, Move.STOP, Cause.STALLED),
        ({**SOAKED, "soaked": 2}, sight(IN, IN, through=WELL), 9_999, Move.WAIT, None),
        (SOAKED, sight(IN, IN, through=WELL), 39, Move.WAIT, None),
        (SOAKED, sight(IN, IN, through=WELL), 40, Move.DONE, None),
        (SOAKED, sight(IN, IN, lifecycle="InService", through=WELL), 9_999, Move.DONE, None),
        (SOAKED, sight(IN, IN, through=Unhealthy(("ill",))), 340, Move.WAIT, None),
        (SOAKED, sight(IN, IN, through=Unhealthy(("ill",))), 341, Move.STOP, Cause.UNPROVEN),
        (SOAKED, sight(IN, IN), 340, Move.WAIT, None),
        (SOAKED, sight(IN, IN), 341, Move.STOP, Cause.UNPROVEN),
    ],
)
def test_returning(more: dict[str, Any], seen: Sight, after: float, move: Move, cause: Cause | None) -> None:
    assert moved(machine(MachinePhase.RETURNING, **more), seen, after) == (move, cause)


def test_a_turn_that_is_over_stays_over() -> None:
    assert moved(machine(MachinePhase.DONE), sight(OUT, OUT), 9_999) == (Move.DONE, None)


standings = st.lists(st.sampled_from(list(Standing)), min_size=1, max_size=2)
lifecycles = st.sampled_from([None, "InService", "Standby", "EnteringStandby", "Pending", "gone"])
pages = st.sampled_from([None, Wait(1.0, "w"), Accept("a"), Fail(True, "f")])


@given(
    st.sampled_from(list(MachinePhase)),
    standings,
    lifecycles,
    st.sampled_from([None, "too few"]),
    st.sampled_from([None, *Status]),
    pages,
    st.sampled_from([None, WELL, Unhealthy(("ill",))]),
    st.one_of(st.none(), st.builds(command, st.integers(0, 4), st.booleans(), st.booleans())),
    st.integers(0, 4),
    st.floats(0, 2_000),
)
def test_no_move_goes_before_its_proof(
    phase: MachinePhase, where: list[Standing], lifecycle: str | None, barred: str | None,
    status: Status | None, page: Any, through: Any, known: Command | None, soaked: int, after: float,
) -> None:  # fmt: skip
    # Given any sight of a machine in any phase / When the next move is decided
    seen = sight(*where, lifecycle=lifecycle, barred=barred, command=status, page=page, through=through)
    record = machine(phase, command=known, soaked=soaked, in_service_at=START)
    move = decide(record, seen, LIMITS, START + after).move
    # Then it leaves only when it may, and a build is sent only to a machine that is out and drained
    if move is Move.LEAVE:
        assert barred is None
    if move is Move.SEND:
        assert seen.out
        if phase is MachinePhase.DEPLOYING and known is not None and known.sends and known.id:
            assert status not in (Status.PENDING, Status.RUNNING)
    # And it goes back only with the build proved, and is done only when it is healthy everywhere
    if move is Move.JOIN and phase is not MachinePhase.RETURNING:
        assert status is Status.SUCCEEDED and isinstance(page, Accept)
    if move is Move.DONE and phase is not MachinePhase.DONE and phase is not MachinePhase.FAILED:
        assert seen.serves and soaked >= LIMITS.soak and through is WELL
