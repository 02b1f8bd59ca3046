"""The steps of a lane as Airflow operators, the same for every strategy: parameters in, the lane called."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

from include.airlock.errors import AirlockError, Decided, NotApproved, WindowClosed
from include.airlock.release.approve import AskingStep
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

    from include.airlock.model.decision import Answer
    from include.airlock.model.plan_report import PlanReport
    from include.airlock.model.record import Question
    from include.airlock.release.asking import Asked
    from include.airlock.release.place import OpenPlace
    from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)

_HALTING = ("halt", "roll_back_machine")
"""Policies that leave a region where it stopped; the first also leaves its machine."""


class PlaceStep(ReleaseStep):
    """A step that looks at places; ``places`` opens one by its name and differs by strategy."""

    in_turn = True

    def __init__(self, *, places: OpenPlace, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = places
        self._doing: ReleaseRun | None = None

    def on_kill(self) -> None:
        """A person ended the step: cancel what would go on without it. A look later tells how far it got."""
        run = self._doing
        if run is None or self.region is None:
            return
        run.ended = True  # Airflow lets the interrupted work go on for some seconds
        try:
            with self.places(self.service, self.region) as place:
                place.withdraw(run, run.region(self.region))
        except AirlockError as fault:
            log.warning("what was under way could not be cancelled: %s", fault)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """An approval that is missing is no failure of the region."""
        from include.airlock.release.window_gate import note_closed

        if isinstance(fault, NotApproved) and self.region is not None:
            note_closed(run, self.region, fault)
            return
        super().note_failure(run, fault)


class PreflightOperator(PlaceStep):
    """Look at all asked regions at once; one report of every fault, else the plan; nothing is touched."""

    plans = True
    first = True
    ui_color = "#fdf6e3"
    _plan: PlanReport | None = None
    _only = False

    def _go(self, context: Context, *, patience: float) -> Any:
        """Push the plan as XCom ``plan``. Where only that was asked for, all but the verdict is skipped.

        Raises:
            DownstreamTasksSkipped: only a plan was asked for.
        """
        result = super()._go(context, patience=patience)
        if self._plan is None:
            return result
        context["ti"].xcom_push(key="plan", value=self._plan.told())
        if self._only:
            self.log.info("only a plan was asked for: every step after this one but the verdict is skipped")
            rest = self.get_flat_relative_ids(upstream=False)
            raise DownstreamTasksSkipped(tasks=sorted(task for task in rest if task != "verdict"))
        return result

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Returns the warnings."""
        from include.airlock.model.plan_words import in_words
        from include.airlock.release.looks import looked
        from include.airlock.release.planning import make
        from include.airlock.release.preflight import preflight
        from include.airlock.release.window_gate import remark

        passed = preflight(run, self.places)
        warnings = [str(fault) for fault in passed.warnings]
        closed = remark(run)
        misnamed = run.request.misnamed(run.release)
        warnings += [text for text in (closed, misnamed) if text]
        for warning in warnings:
            self.log.warning("%s", warning)
        self._plan, self._only = make(run, passed.foreseen, warnings), run.request.plan_only
        for line in in_words(self._plan).splitlines():
            self.log.info("%s", line)
        record = run.record()
        record.warnings, record.refusal, record.faults = warnings, None, []
        record.plan = self._plan.hash
        looked(record, f"the preflight passed in {', '.join(run.request.regions)}")
        run.ledger.save_header(record)
        return warnings

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Keep the report for the verdict, as one sentence."""
        from include.airlock.release.looks import looked
        from include.airlock.release.place import FaultsFound

        record = run.record()
        lines = str(fault).splitlines()
        if type(fault) is FaultsFound:
            del lines[0]  # the verdict says by itself that nothing was touched
        record.refusal = "; ".join(line.strip(" -") for line in lines)
        found = getattr(fault, "faults", [])
        record.faults = [{"region": each.region, "code": each.code, "text": each.text} for each in found]
        looked(record, f"the preflight refused: {record.refusal}")
        run.ledger.save_header(record)


class CheckOperator(PlaceStep):
    """Look again at one region, right before it is touched."""

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.check``."""
        from include.airlock.model.decision import RELEASE
        from include.airlock.release.asking import forget_question
        from include.airlock.release.lane import check

        assert self.region
        if self.service.approvals is not None:
            forget_question(run, RELEASE, self.region)
        return check(run, self.region, self.places)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """A closed window is no failure of the region."""
        from include.airlock.release.window_gate import note_closed

        if isinstance(fault, WindowClosed) and self.region is not None:
            note_closed(run, self.region, fault)
            return
        super().note_failure(run, fault)


class GuidedStep(AskingStep, PlaceStep):
    """A step that may have changed its region: where it fails and the policy is ``ask``, it asks."""

    def worked(self, run: ReleaseRun, work: Callable[[], Any], *, last_try: bool) -> Any:
        """First what was decided of the region before, in case an earlier try did not come to it."""
        from include.airlock.release.asking import begin_decided

        assert self.region
        name = self.region

        def begun() -> Any:
            begin_decided(run, name)
            return work()

        return super().worked(run, begun, last_try=last_try)

    def ask_about(self, run: ReleaseRun, fault: AirlockError, *, last_try: bool) -> Asked | None:
        """See ``guided.ask_about``."""
        from include.airlock.release.guided import ask_about

        assert self.region
        return ask_about(run, self.region, self.task_id, fault, last_try=last_try)

    def take(self, run: ReleaseRun, question: Question, answer: Answer, *, patience: float) -> Any:
        """See ``guided.take``; to retry is to perform the step again."""
        from include.airlock.release.guided import RETRY, take

        assert self.region
        again = take(run, self.region, self.places, question, answer)
        return self.perform(run, patience=patience) if again is RETRY else again

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """What was decided is kept already, and must not hide why the region failed."""
        if not isinstance(fault, Decided):
            super().note_failure(run, fault)


class ChangeOperator(GuidedStep):
    """Change one region by its strategy's own means: swap it, roll it, switch it."""

    ui_color = "#d6eaf8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.change``."""
        from include.airlock.release.lane import change

        assert self.region
        self._doing = run
        verb = self.task_id.rpartition(".")[2]
        return change(run, self.region, self.places, patience=patience, verb=verb)


class VerifyOperator(GuidedStep):
    """Prove the new build by the status page as clients reach it, and that the way back is open."""

    ui_color = "#d5f5e3"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.verify``."""
        from include.airlock.release.lane import verify

        assert self.region
        return verify(run, self.region, self.places, patience=patience)


class BakeOperator(GuidedStep):
    """Keep watching production for the bake time, then accept the region."""

    ui_color = "#fdebd0"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.bake``."""
        from include.airlock.release.lane import bake

        assert self.region
        return bake(run, self.region, self.places, patience=patience)


class RollBackOperator(PlaceStep):
    """The way back of one lane: runs when a step of it failed, acts as far as the policy says."""

    after_failures = True
    ui_color = "#fadbd8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Skips a lane that the release never reached, and one whose policy is to halt, once that is safe."""
        from include.airlock.release.asking import obey, policy_of
        from include.airlock.release.back import halt, reached, roll_back

        assert self.region
        self._doing = run
        if not reached(run, self.region):
            raise AirflowSkipException(f"the release did not reach {self.region}")
        policy = policy_of(run, self.region)
        obey(run, run.region(self.region))
        if policy in _HALTING:
            later = halt(run, self.region, self.places, patience=patience)
            if later:
                return later
            if policy == "halt":
                raise AirflowSkipException("the policy is to halt and leave the region as it is")
            return run.region(self.region).stand
        return roll_back(run, self.region, self.places, patience=patience)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Nothing more: the way back keeps why it got stuck, and must not hide why it was taken."""
        if self.region is not None and run.region(self.region).failure is None:
            super().note_failure(run, fault)


class RollBackEarlierOperator(PlaceStep):
    """Where the policy is to roll back the whole release: the regions done before, last one first."""

    after_failures = True
    ui_color = "#fadbd8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``back.roll_back_earlier``."""
        from include.airlock.release.asking import policy_of_release
        from include.airlock.release.back import roll_back_earlier

        policy = policy_of_release(run)
        if policy != "roll_back_release":
            raise AirflowSkipException(f"the policy is {policy}: earlier regions keep the new build")
        return roll_back_earlier(run, self.places, patience=patience)
