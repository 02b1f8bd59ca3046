"""Which operator does which verb of a train or of its rollback; imported only by the DAGs that have one."""

from __future__ import annotations

from include.airlock.release.step import ReleaseStep
from include.airlock.release.train_back_steps import (
    TrainLookBackOperator,
    TrainRollbackVerdictOperator,
    TrainUndoOperator,
)
from include.airlock.release.train_steps import (
    AllAcceptedOperator,
    AllPassedOperator,
    TrainBackEarlierOperator,
    TrainBackOperator,
    TrainVerdictOperator,
    TurnOperator,
)
from include.airlock.rollback_tasks import ROOMS

OPERATORS: dict[tuple[str, str], type[ReleaseStep]] = {
    **{(room, "train_back"): TrainBackOperator for room in ROOMS},
    **{(room, "train_undo"): TrainUndoOperator for room in ROOMS},
    ("release", "turn"): TurnOperator,
    ("release", "all_passed"): AllPassedOperator,
    ("release", "all_accepted"): AllAcceptedOperator,
    ("release", "train_back_earlier"): TrainBackEarlierOperator,
    ("release", "train_verdict"): TrainVerdictOperator,
    ("release", "train_look_back"): TrainLookBackOperator,
    ("release", "train_verdict_back"): TrainRollbackVerdictOperator,
}
