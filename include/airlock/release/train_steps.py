"""The steps that only a train has as Airflow operators; its lanes are made of those of lone releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError, Refused, ReleaseFailed, RequestError
from include.airlock.model.service import OnFailure
from include.airlock.release.record_link import records_of
from include.airlock.release.step import Later, ReleaseStep
from include.airlock.release.steps import PlaceStep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.airlock.model.record import RegionRecord
    from include.airlock.release.place import OpenPlace
    from include.airlock.release.run import ReleaseRun
    from include.airlock.release.train import TrainRun

_HALTING = (OnFailure.HALT, OnFailure.ROLL_BACK_MACHINE)


class TrainStep(ReleaseStep):
    """A step of all services of a train. ``service`` is the first of them, for what Airflow shows."""

    def open_train(self, context: Context) -> TrainRun:
        """The train's release.

        Raises:
            RequestError: the run's params can't be used.
        """
        from include.airlock.release.run import open_train

        assert self.train is not None
        return open_train(context, self.train)


class TurnOperator(TrainStep):
    """Wait until no other release has any of the train's services; then nobody else may, until the end."""

    ui_color = "#fdf6e3"

    def _go(self, context: Context, *, patience: float) -> Any:
        """Takes all turns, in the order that every release keeps.

        Raises:
            RequestError: the run's params can't be used.
        """
        run = self.open_train(context)
        if run.plan_only:
            self.log.info("only a plan was asked for: it needs no turn")
            return
        later = self.wait_for_turn(context, run.runs[0], patience=patience, alone=True)
        if later:
            self._come_back(later)


class AllPassedOperator(TrainStep):
    """After all preflights: one refused service stops the train before anything is touched."""

    ui_color = "#fdf6e3"

    def execute(self, context: Context) -> Any:
        """Keeps with every service why.

        Raises:
            Refused: names every service that was refused.
        """
        run = self.open_train(context)
        found = []
        for each in run.runs:
            record = each.record()
            looked = all(each.region(name).new_build for name in each.request.regions)
            if record.refusal or not looked:
                why = record.refusal or "its preflight did not finish; see its log"
                found.append(f"{each.service.service}: {why}")
        if not found:
            run.note_stop(None)
            return
        why = f"the train {run.train.name} was refused: {'; '.join(found)}"
        run.note_stop(why)
        raise Refused(why)


class AllAcceptedOperator(TrainStep):
    """After all lanes of a region: the train goes on only when every service is accepted there."""

    def __init__(self, *, region: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.there = region

    def execute(self, context: Context) -> Any:
        """Keeps with every service why the train stops; skips a region that it did not reach.

        Raises:
            Refused: a service is not accepted there.
        """
        run = self.open_train(context)
        if self.there not in run.regions:
            return
        if not run.reached(self.there):
            run.note_refusal()
            raise AirflowSkipException(f"the train did not reach {self.there}")
        why = run.stop_at(self.there)
        run.note_stop(why, self.there)
        if why:
            raise Refused(why)


class TrainBackOperator(PlaceStep):
    """One service's way back in the region where the train stopped, as far as the policy says."""

    after_failures = True
    ui_color = "#fadbd8"

    def __init__(self, *, region: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.there = region

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Skips where nothing failed; brings the last place back first, each proved before the next."""
        assert run.train is not None
        self._doing = run
        if self.there not in run.train.regions or not run.train.reached(self.there):
            raise AirflowSkipException(f"the train did not reach {self.there}")
        if run.train.stop_at(self.there) is None or not run.train.failed_at(self.there):
            raise AirflowSkipException(f"nothing failed in {self.there}")
        if run.train.on_failure in _HALTING:
            return self._halt(run, run.train, patience)
        return self._back(run, run.train, patience)

    def _back(self, run: ReleaseRun, train: TrainRun, patience: float) -> Later | None:
        from include.airlock.release.back import roll_back

        why = train.blame(run, self.there)
        for region in self._touched(run, train):
            self.region = region.name  # for on_kill: what would go on without the step
            later = roll_back(run, region.name, self.places, patience=patience, why=why)
            if later:
                return later
        return None

    def _halt(self, run: ReleaseRun, train: TrainRun, patience: float) -> Later | None:
        from include.airlock.model.record import Phase
        from include.airlock.release.back import halt

        for region in self._touched(run, train):
            if region.phase is Phase.ACCEPTED:
                continue
            self.region = region.name
            later = halt(run, region.name, self.places, patience=patience)
            if later:
                return later
        if train.on_failure is OnFailure.HALT:
            raise AirflowSkipException("the policy is to halt and leave the region as it is")
        return None

    def _touched(self, run: ReleaseRun, train: TrainRun) -> list[RegionRecord]:
        """What was changed there, last one first."""
        mine = [region for other, region in train.there(self.there) if other is run and region.touched]
        return list(reversed(mine))

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Nothing more: the way back keeps why it got stuck."""


class TrainBackEarlierOperator(TrainStep):
    """Where the policy is to roll back the whole train: the regions done before, last one first."""

    after_failures = True
    in_turn = True
    ui_color = "#fadbd8"

    def __init__(self, *, places_of: Mapping[str, OpenPlace], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places_of = places_of

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Region by region, all services of one proved before the next.

        Raises:
            NotProvenBack: one could not be brought back; those before it were not touched.
        """
        train = run.train
        assert train is not None
        if train.on_failure is not OnFailure.ROLL_BACK_RELEASE:
            raise AirflowSkipException(f"the policy is {train.on_failure}: what is accepted stays")
        stop = train.stopped_in()
        if stop is None:
            raise AirflowSkipException("no region failed: what is accepted stays")
        self._is_back(train, stop)
        return self._go_back(train, stop, patience)

    def _is_back(self, train: TrainRun, stop: str) -> None:
        from include.airlock.model.record import Phase

        for run, region in train.there(stop):
            if region.touched and region.phase is not Phase.ROLLED_BACK:
                name = run.service.service
                raise AirflowSkipException(f"{name} is not back in {region.name} ({region.phase})")
        if not train.failed_at(stop):
            raise AirflowSkipException(f"nothing failed in {stop}")

    def _go_back(self, train: TrainRun, stop: str, patience: float) -> Later | None:
        from include.airlock.release.back import roll_back

        for name in reversed(train.regions[: train.regions.index(stop)]):
            for run, region in reversed(list(train.there(name))):
                if not region.touched:
                    continue
                places, why = self.places_of[run.service.service], train.blame(run, stop)
                later = roll_back(run, region.name, places, patience=patience, why=why)
                if later:
                    return later
        return None

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Nothing more: the way back keeps why it got stuck."""


class TrainVerdictOperator(TrainStep):
    """Say how the train ended; fails unless every service is accepted in every asked region."""

    ui_color = "#fcf3cf"

    @property
    def operator_extra_links(self) -> Any:
        """A record for each service of the train."""
        return records_of(self.train)

    def execute(self, context: Context) -> Any:
        """Stores each service's outcome, pushes all as XCom ``verdict``, and gives the turns back.

        Raises:
            ReleaseFailed: with the one sentence that says why.
        """
        from include.airlock.model.record import Outcome
        from include.airlock.release.in_turn import give_back
        from include.airlock.release.operators import store_verdict, summary
        from include.airlock.release.train import outcome_of_train

        try:
            train = self.open_train(context)
        except RequestError as fault:
            raise ReleaseFailed(str(fault)) from fault
        records = [store_verdict(run) for run in train.runs]
        outcome, sentence = outcome_of_train(train.train.name, records)
        told = {record.service: summary(record) for record in records}
        verdict = {
            "outcome": outcome.value,
            "sentence": sentence,
            "train": train.train.name,
            "services": told,
        }
        context["ti"].xcom_push(key="verdict", value=verdict)
        if outcome is Outcome.PLANNED:
            self._tell_plan(context, train)
        give_back(context, [run.service.service for run in train.runs], self.trains)
        if outcome not in (Outcome.RELEASED, Outcome.PLANNED):
            raise ReleaseFailed(sentence)
        self.log.info("%s", sentence)
        return sentence

    def _tell_plan(self, context: Context, train: TrainRun) -> None:
        """What the preflights planned, in the train's order: in the log, and as XCom ``plan``."""
        from include.airlock.model.train_plan import in_words, train_plan

        made = {run.service.service: run.ledger.plan(run.record().plan or "") for run in train.runs}
        plan = train_plan(train.train, {name: each for name, each in made.items() if each})
        context["ti"].xcom_push(key="plan", value=plan)
        for line in in_words(plan).splitlines():
            self.log.info("%s", line)
