"""The record of a release on AWS: each request of the journal is in it, and what each one rested on."""

from __future__ import annotations

from typing import Any

from include.airlock.model.record import Outcome
from tests.integration.aws.trace import ATTACH, DETACH, Scene
from tests.integration.recorded import timeline, unrecorded
from tests.integration.rehearsal import Rehearsal

TURN = {
    **dict.fromkeys(DETACH, ("leaves",)),
    **dict.fromkeys(ATTACH, ("back to",)),
    "SendCommand": ("gets",),
}


def test_a_machines_turn_is_on_record(roll: Any, scene: Scene) -> None:
    release: Rehearsal = roll()
    assert release.go()[0] is Outcome.RELEASED, release.errors
    told, asked = timeline(release), scene.asked(*TURN)
    assert asked and unrecorded(told, asked, TURN) == []
    # And each act of a machine has the look that it rests on right before it
    for machine in scene.machines:
        own = [entry.kind for entry in told if entry.what.startswith(machine)]
        assert own == ["look", "event"] * 4


def test_each_step_of_the_weights_is_on_record(shift: Any, pair: Scene) -> None:
    release: Rehearsal = shift()
    assert release.go()[0] is Outcome.RELEASED, release.errors
    told = timeline(release)
    asked = [e for e in pair.sandbox.journal(service="search") if "ModifyListener" in str(e.get("operation"))]
    words = {"ModifyListener": ("of the requests go to", "joins at weight 0")}
    assert asked and unrecorded(told, asked, words) == []
    looks = [entry.what for entry in told if entry.kind == "look"]
    assert any(" at 10 % over " in look for look in looks)
