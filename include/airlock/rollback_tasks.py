"""Which operator does which verb of a rollback; imported only by the DAGs that have one."""

from __future__ import annotations

from include.airlock.announce.rollback import TellBackEndOperator, TellBackOperator
from include.airlock.release.rollback_steps import LookBackOperator, RollbackVerdictOperator, UndoOperator
from include.airlock.release.step import ReleaseStep

ROOMS = ("slots", "machines", "target_groups")
"""The rooms that have places."""

OPERATORS: dict[tuple[str, str], type[ReleaseStep]] = {
    **{(room, "look_back"): LookBackOperator for room in ROOMS},
    **{(room, "undo"): UndoOperator for room in ROOMS},
    ("release", "verdict_back"): RollbackVerdictOperator,
    ("announce", "tell_back"): TellBackOperator,
    ("announce", "tell_back_end"): TellBackEndOperator,
}
