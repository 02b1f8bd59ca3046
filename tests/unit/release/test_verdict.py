"""How a release ended, in one sentence, by table."""

from __future__ import annotations

import pytest

from include.airlock.model.record import (
    Outcome,
    Phase,
    RegionRecord,
    ReleaseRecord,
    Side,
    SwapIntent,
    SwapPhase,
)
from include.airlock.release.verdict import outcome_of

SWAP = SwapIntent(
    phase=SwapPhase.DONE, direction="forward", production=Side(), staging=Side(), expected="2.0", since=0.0
)


def region(name: str, phase: Phase, **more: object) -> RegionRecord:
    return RegionRecord(name=name, phase=phase, old_build="1.0", new_build="2.0").model_copy(update=more)


def release(*regions: RegionRecord) -> ReleaseRecord:
    return ReleaseRecord(
        release="r", dag="release_payments", service="payments", build="2.0",
        on_failure="halt", started_at="t", regions=list(regions),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "outcome", "words"),
    [
        (
            release(region("a", Phase.ACCEPTED), region("b", Phase.ACCEPTED)),
            Outcome.RELEASED,
            ["2.0 is released in a (before: 1.0), b"],
        ),
        (
            release(region("a", Phase.ACCEPTED), region("b", Phase.NOT_ASKED)),
            Outcome.RELEASED,
            ["released in a"],
        ),
        (release(), Outcome.REFUSED, ["refused"]),
        (release(region("a", Phase.NOT_ASKED)), Outcome.REFUSED, ["refused"]),
        (
            release(region("a", Phase.WAITING), region("b", Phase.WAITING)),
            Outcome.REFUSED,
            ["before anything was touched"],
        ),
        (
            release(
                region("a", Phase.ACCEPTED),
                region("b", Phase.FAILED, swap=SWAP, failure="verify: bad"),
                region("c", Phase.WAITING),
            ),
            Outcome.HALTED,
            ["stopped in b: verify: bad", "a keeps 2.0", "c was not touched"],
        ),
        (
            release(region("a", Phase.ACCEPTED), region("b", Phase.ROLLED_BACK, failure="verify: bad")),
            Outcome.ROLLED_BACK,
            [
                "stopped in b: verify: bad",
                "b was brought back and 1.0 serves again",
                "a keeps 2.0",
                "payments is locked",
            ],
        ),
        (
            release(region("a", Phase.ROLLED_BACK), region("b", Phase.ROLLED_BACK, failure="verify: bad")),
            Outcome.ROLLED_BACK,
            ["stopped in b", "a was brought back", "b was brought back"],
        ),
        (
            release(region("a", Phase.ACCEPTED), region("b", Phase.STUCK, failure="roll_back: no")),
            Outcome.HALTED,
            ["b could not be proved to be back"],
        ),
        (release(region("a", Phase.CHANGED, swap=SWAP)), Outcome.HALTED, ["a step did not finish"]),
    ],
)
def test_the_sentence(record: ReleaseRecord, outcome: Outcome, words: list[str]) -> None:
    # Given a record / When it is read / Then the outcome is never better than the record, and says why
    found, sentence = outcome_of(record)
    assert found is outcome
    assert "\n" not in sentence
    for word in words:
        assert word in sentence
