"""The steps of ``rollback_train_<train>`` as Airflow operators: parameters in, ``train_back`` called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from include.airlock.errors import AirlockError, ReleaseFailed, RequestError
from include.airlock.release.record_link import records_of
from include.airlock.release.rollback_steps import UndoOperator, act_of, judged, running_release
from include.airlock.release.train_steps import TrainStep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.airlock.model.rollback import RollbackRequest
    from include.airlock.model.train import Train
    from include.airlock.release.ledger import Ledger, RollbackEntry
    from include.airlock.release.place import OpenPlace
    from include.airlock.release.run import ReleaseRun
    from include.airlock.release.train_back import Passenger


def ledgers_of(context: Context, train: Train) -> dict[str, Ledger]:
    """The ledger of each service of a train, by its name."""
    from include.airlock.release.run import ledger_of

    return {service.service: ledger_of(context, service.service) for service in train.services}


class TrainLookBackOperator(TrainStep):
    """Say of every service and place how it would be brought back; then lock them, unless that was all."""

    ui_color = "#fdf6e3"

    def __init__(self, *, places_of: Mapping[str, OpenPlace], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places_of = places_of

    def execute(self, context: Context) -> Any:
        """Returns what was said.

        Raises:
            RequestError: the params can't be used.
            Refused: there is nothing to undo, or a place can't be brought back.
        """
        from include.airlock.release.train_back import look_at_train

        assert self.train is not None
        act, ledgers = act_of(context), ledgers_of(context, self.train)
        try:
            requests = self._requests(dict(context["params"]))
            entries = look_at_train(self.train, self._aboard(context, ledgers), requests, act)
        except AirlockError as fault:
            if not fault.retryable:
                _keep_refusal(ledgers, act.run, str(fault))
            raise
        said = "\n".join(f"{entry.report}" for entry in entries)
        self.log.info("%s", said)
        return said

    def _aboard(self, context: Context, ledgers: Mapping[str, Ledger]) -> list[Passenger]:
        from include.airlock.release.train_back import Passenger

        assert self.train is not None
        found = []
        for service in self.train.services:
            name, ledger = service.service, ledgers[service.service]
            running = running_release(context, ledger, name, self.trains)
            found.append(Passenger(service, ledger, self.places_of[name], running))
        return found

    def _requests(self, conf: dict[str, Any]) -> dict[str, RollbackRequest]:
        from include.airlock.model.rollback import RollbackRequest

        assert self.train is not None
        if conf.get("regions"):
            text = "regions: a train goes back in all of its regions"
            raise RequestError(f"can't roll the train {self.train.name} back: {text}")
        return {service.service: RollbackRequest.of(service, conf) for service in self.train.services}


def _keep_refusal(ledgers: Mapping[str, Ledger], run: str, refusal: str) -> None:
    """For the verdict. What has begun stays what it is."""
    from include.airlock.release.ledger import RollbackEntry

    for ledger in ledgers.values():
        begun = ledger.rollback(run)
        if begun is None or begun.dry or begun.refusal:
            ledger.save_rollback(RollbackEntry(run=run, refusal=refusal))


class TrainUndoOperator(UndoOperator):
    """Bring one place of one service back, when all services are back in every later region."""

    def open(self, context: Context) -> ReleaseRun:
        """See ``OfRollback.open``."""
        assert self.train is not None
        self._ledgers = ledgers_of(context, self.train)
        self._rollback = act_of(context).run
        return super().open(context)

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``rollback.undo``."""
        from include.airlock.release.train_back import later_are_back

        assert self.train is not None and self.region is not None
        later_are_back(self.train, self._ledgers, self._rollback, self.region)
        return super().perform(run, patience=patience)


class TrainRollbackVerdictOperator(TrainStep):
    """Say how the rollback ended; fails unless every place of every service serves its old build, proved."""

    ui_color = "#fcf3cf"

    @property
    def operator_extra_links(self) -> Any:
        """A record for each service of the train."""
        return records_of(self.train)

    def execute(self, context: Context) -> Any:
        """Stores each release's new outcome, and pushes all as XCom ``verdict``.

        Raises:
            ReleaseFailed: with the one sentence that says why.
        """
        from include.airlock.model.record import Outcome
        from include.airlock.release.train_back import outcome_of_rollback

        assert self.train is not None
        run = act_of(context).run
        found = {name: ledger.rollback(run) for name, ledger in ledgers_of(context, self.train).items()}
        entries = {name: entry for name, entry in found.items() if entry is not None}
        verdict = self._refused_or_dry(entries)
        if verdict is None:
            ledgers = ledgers_of(context, self.train)
            told = [judged(ledgers[name], entry)[0] | {"service": name} for name, entry in entries.items()]
            outcome, sentence = outcome_of_rollback(self.train.name, told)
            verdict = {"outcome": outcome, "sentence": sentence, "services": {t["service"]: t for t in told}}
        context["ti"].xcom_push(key="verdict", value=verdict | {"train": self.train.name})
        if verdict["outcome"] not in (Outcome.ROLLED_BACK, "dry"):
            raise ReleaseFailed(verdict["sentence"])
        self.log.info("%s", verdict["sentence"])
        return verdict["sentence"]

    def _refused_or_dry(self, entries: dict[str, RollbackEntry]) -> dict[str, Any] | None:
        """The verdict of a run that touched nothing; None of one that did."""
        assert self.train is not None
        refusal = next((entry.refusal for entry in entries.values() if entry.refusal), None)
        if refusal or not entries:
            why = refusal or "see the step look"
            return {"outcome": "refused", "sentence": f"the rollback of {self.train.name} was refused: {why}"}
        if all(entry.dry for entry in entries.values()):
            return {"outcome": "dry", "sentence": "\n".join(str(e.report) for e in entries.values())}
        return None
