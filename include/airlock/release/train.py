"""A train's release: what each service of it may do, given where the others stand in their ledgers.

The edges of the graph say the same; the ledgers hold it also when a person clears single steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.airlock.errors import Refused
from include.airlock.model.record import Outcome, Phase, RegionRecord, ReleaseRecord
from include.airlock.model.service import OnFailure
from include.airlock.model.train import Train, region_of
from include.airlock.release.run import ReleaseRun

_ON_THE_WAY_BACK = (Phase.ROLLING_BACK, Phase.STUCK)


@dataclass(frozen=True)
class TrainRun:
    """One release of a train: the releases of its services, in the train's order, in one DAG run."""

    train: Train
    regions: tuple[str, ...]
    on_failure: OnFailure
    runs: tuple[ReleaseRun, ...]

    @property
    def plan_only(self) -> bool:
        """Whether only a plan was asked for, of all its services."""
        return any(run.request.plan_only for run in self.runs)

    def run_of(self, service: str) -> ReleaseRun | None:
        """One service's release, or None where it is not asked for."""
        return next((run for run in self.runs if run.service.service == service), None)

    def there(self, region: str) -> Iterator[tuple[ReleaseRun, RegionRecord]]:
        """Each asked place of a region with its service's release, as stored now."""
        for run in self.runs:
            for place in run.request.regions:
                if region_of(place) == region:
                    yield run, run.region(place)

    def lets_start(self, place: str) -> None:
        """A step of a lane may go on: nothing was refused, and all earlier regions are accepted by all.

        Raises:
            Refused: names the service and the region where that is not so.
        """
        for run in self.runs:
            refusal = run.record().refusal
            if refusal:
                raise Refused(f"{place} may not start: {run.service.service} was refused: {refusal}")
        here = region_of(place)
        for region in self.regions[: self.regions.index(here)]:
            for run, record in self.there(region):
                if record.phase is not Phase.ACCEPTED:
                    name = run.service.service
                    raise Refused(
                        f"{place} may not start: {name} is not accepted in {record.name} ({record.phase}); "
                        "clear its failure"
                    )
        for run, record in self.there(here):
            if record.phase in _ON_THE_WAY_BACK:
                name = run.service.service
                raise Refused(f"{place} may not start: {name} is on its way back there ({record.phase})")

    def all_accepted(self) -> None:
        """Every service is accepted in every region that was asked for.

        Raises:
            Refused: names the first that is not.
        """
        for region in self.regions:
            for run, record in self.there(region):
                if record.phase is not Phase.ACCEPTED:
                    raise Refused(f"{run.service.service} is not accepted in {record.name} ({record.phase})")

    def stop_at(self, region: str) -> str | None:
        """Why the train goes no further than a region, in words; None where all are accepted there."""
        parts = []
        for run, record in self.there(region):
            if record.phase is Phase.ACCEPTED:
                continue
            why = record.failure or record.closed or f"is not accepted ({record.phase})"
            parts.append(f"{run.service.service} in {record.name}: {why}")
        return f"the train {self.train.name} stopped in {region}: {'; '.join(parts)}" if parts else None

    def reached(self, region: str) -> bool:
        """Whether the train came to a region: nothing was refused, all before is accepted."""
        if any(run.record().refusal for run in self.runs):
            return False
        before = self.regions[: self.regions.index(region)]
        return all(r.phase is Phase.ACCEPTED for each in before for _, r in self.there(each))

    def failed_at(self, region: str) -> bool:
        """Whether a service failed there: one that no window or no approval let start did not.

        Nor did those that were to follow it and had not begun.
        """
        missing = [record for _, record in self.there(region) if record.phase is not Phase.ACCEPTED]
        closed = any(record.closed for record in missing)
        idle = [r for r in missing if r.closed or (closed and r.phase is Phase.WAITING and not r.failure)]
        return len(idle) < len(missing)

    def blame(self, run: ReleaseRun, region: str) -> str:
        """Why a service is brought back in a region, in words."""
        own = [r.failure for other, r in self.there(region) if other is run and r.failure]
        others = [
            f"{other.service.service} failed in {r.name}: {r.failure}"
            for other, r in self.there(region)
            if other is not run and r.failure
        ]
        return "; ".join([*own, *others]) or f"a service of the train failed in {region}"

    def note_stop(self, why: str | None, region: str | None = None) -> None:
        """Keep with every service why the train stopped, and in which region; None: it goes on."""
        region = region if why else None
        for run in self.runs:
            record = run.record()
            if (record.stopped, record.stopped_in) != (why, region):
                record.stopped, record.stopped_in = why, region
                run.ledger.save_header(record)

    def note_refusal(self) -> None:
        """Keep with every service why the train begins nowhere, where the services' own steps said so."""
        refused = [run for run in self.runs if run.record().refusal]
        if refused and not any(run.record().stopped for run in self.runs):
            why = "; ".join(f"{run.service.service}: {run.record().refusal}" for run in refused)
            self.note_stop(f"the train {self.train.name} was refused: {why}")

    def stopped_in(self) -> str | None:
        """The region where the train stopped: earlier ones may be on their way back since. None: nowhere."""
        for run in self.runs:
            noted = run.record().stopped_in
            if noted in self.regions:
                return noted
        stop = next((each for each in self.regions if self.stop_at(each)), None)
        return stop if stop is not None and self.reached(stop) else None


def outcome_of_train(train: str, records: Sequence[ReleaseRecord]) -> tuple[Outcome, str]:
    """How a train ended, and the sentence: released only when every service of it is."""
    outcomes = [record.outcome for record in records]
    parts = "; ".join(f"{record.service}: {record.sentence}" for record in records)
    if all(outcome is Outcome.RELEASED for outcome in outcomes):
        return Outcome.RELEASED, f"the train {train} is released: {parts}"
    if all(outcome is Outcome.PLANNED for outcome in outcomes):
        return Outcome.PLANNED, f"the train {train} was only planned: {parts}"
    if set(outcomes) == {Outcome.PLANNED, Outcome.REFUSED}:
        return Outcome.REFUSED, f"the train {train} would be refused: {parts}"
    if all(outcome is Outcome.REFUSED for outcome in outcomes):
        why = next((record.stopped for record in records if record.stopped), None)
        return Outcome.REFUSED, why or f"the train {train} was refused: {parts}"
    backs = [o for o in outcomes if o in (Outcome.ROLLED_BACK, Outcome.REFUSED)]
    outcome = Outcome.ROLLED_BACK if len(backs) == len(outcomes) else Outcome.HALTED
    return outcome, f"the train {train} stopped: {parts}"
