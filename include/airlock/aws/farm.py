"""``rolling`` in one farm of one region: what a lane asks of machines behind load balancers."""

from __future__ import annotations

import time
from collections import Counter

from include.airlock.aws.capacity import floor_of
from include.airlock.aws.farm_back import begin_anew, bring_back, make_safe, stand_of, withdraw
from include.airlock.aws.farm_inspection import differences, inspect
from include.airlock.aws.farm_view import FarmSeen, FarmView
from include.airlock.aws.group import Group
from include.airlock.aws.outlook import farm_outlook
from include.airlock.aws.planned import foresee_farm
from include.airlock.aws.public import worst_of
from include.airlock.aws.standing import Standing
from include.airlock.aws.suspension import resume
from include.airlock.aws.turn_sight import Sights
from include.airlock.aws.turns import Turns
from include.airlock.errors import AirlockError, Drifted, NotProven, Overtaken
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.health import Healthy, Reading, in_words, judge
from include.airlock.model.machines import MachinePhase, MachineRecord
from include.airlock.model.plan_report import Foreseen
from include.airlock.model.record import RegionRecord
from include.airlock.model.rollback import Outlook
from include.airlock.model.rolling import RollingService
from include.airlock.model.service import Service
from include.airlock.release.place import Fault, Keep, Pages
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

_LOOKS = 3
"""Looks at a machine that was proved before, until it counts as not well."""


class FarmPlace:
    """One farm, opened. See ``release.place.Place`` for what each method is asked for."""

    def __init__(self, service: Service, name: str) -> None:
        assert isinstance(service, RollingService)
        self.service: Service = service
        self.name = name
        self._rolling = service
        self._view = FarmView(service, name)
        self._urls: tuple[str, ...] | None = None
        self._seen: FarmSeen | None = None

    def __enter__(self) -> FarmPlace:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close: the clients end with the step."""

    def inspect(self, build: str) -> tuple[Keep, list[Fault]]:
        """Machines, groups, document, capacity: what is wrong for a release of ``build``."""
        seen = self._seen = self._view.look(build)

        def keep(region: RegionRecord) -> None:
            self._remember(region, seen, build)

        return keep, inspect(self.name, self._rolling, self._view.farm, seen, build)

    def foresee(self, region: RegionRecord, request: ChangeRequest) -> Foreseen:
        """See ``planned.foresee_farm``."""
        assert self._seen is not None, "it was inspected"
        return foresee_farm(self._rolling, region, self._seen.scaling)

    def _remember(self, region: RegionRecord, seen: FarmSeen, build: str) -> None:
        """Every membership of every machine, and every group's floor, before anything is changed."""
        region.machines = [
            MachineRecord(
                id=each.machine.id,
                page=each.page or "",
                memberships=[membership for membership, _ in each.memberships],
                scaling_group=each.scaling_group,
                old_build=each.reading.build,
                aim=build,
                already=each.reading.build == build,
                phase=MachinePhase.DONE if each.reading.build == build else MachinePhase.WAITING,
            )
            for each in seen.machines
        ]
        own = {each.machine.id for each in seen.machines}
        region.floors = [
            floor_of(group, seen.members[group.key], self._rolling, own) for group in seen.groups
        ]
        builds = Counter(machine.old_build for machine in region.machines if not machine.already)
        region.old_build = builds.most_common(1)[0][0] if builds else build

    def compare(self, region: RegionRecord, build: str) -> None:
        """The same machines, groups and builds as at the preflight, and nothing wrong with them.

        Raises:
            Drifted: names all that is not so.
        """
        self._compare(self._view.look(build), region, build)

    def _compare(self, seen: FarmSeen, region: RegionRecord, build: str) -> None:
        found = differences(seen, region.machines)
        faults = inspect(self.name, self._rolling, self._view.farm, seen, build)
        found += [fault.text for fault in faults if not fault.warning]
        if found:
            raise Drifted("; ".join(found) + "; nothing was touched here")

    def prepare(self, run: ReleaseRun, region: RegionRecord) -> None:
        """Every membership again, right before the first change."""
        build = run.request.build
        seen = self._view.look(build)
        self._compare(seen, region, build)
        self._remember(region, seen, build)
        region.new_build = build

    def carry_out(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Each machine in turn, to the new build; then what was suspended is resumed.

        Raises:
            TooFewServe, Stalled, DeployFailed, NotHealthy, NotProven, Drifted: see ``Turns.go``.
        """
        turns = self._turns(run, region, patience)
        try:
            later = begin_anew(self._view, turns, region) or turns.go(region.machines)
        except Overtaken:
            raise  # record and lock are the other process's
        except AirlockError:
            region.stand = stand_of(region, turns.sights)
            turns.save()
            if not region.touched:
                resume(self._view.access, run, region)
                run.ledger.release_lock_of(run.release)  # nothing is in flight: no machine has left
            raise
        if later is None:
            region.stand = None
            resume(self._view.access, run, region)
        return later

    def _turns(self, run: ReleaseRun, region: RegionRecord, patience: float, *, back: bool = False) -> Turns:
        save = run.sole_writer(region, "machines")  # before anything else is asked
        return Turns(
            self._view,
            run,
            region,
            save,
            urls=self.pages().urls,
            most=self._rolling.max_unavailable,
            patience=patience,
            gone=back,
        )

    def pages(self) -> Pages:
        """The status page through every load balancer that the spec names."""
        if self._urls is None:
            self._urls = self._view.public_urls()
        return Pages(self._urls, self._view.access.ca_file)

    def reading(self, build: str | None = None) -> Reading:
        """One reading through each load balancer; the first that is not well."""
        return worst_of(self.pages().urls, self._view.reading, build)

    def complete_proof(self, region: RegionRecord) -> None:
        """Every machine itself is well with the new build, and healthy in exactly the groups that it was in.

        What load balancers show may leave a machine out. One bad look may be a lost answer.

        Raises:
            NotProven: says which machine is not.
        """
        known = self._view.groups_of(region.machines)
        for looks in range(_LOOKS):
            if looks:
                time.sleep(self._rolling.poll.total_seconds())  # between two looks
            wrong = [fault for machine in region.machines for fault in self._wrong(machine, known, region)]
            if not wrong and region.machines:
                return
        raise NotProven("; ".join(wrong) or "the farm has no machine")

    def _wrong(self, machine: MachineRecord, known: dict[str, Group], region: RegionRecord) -> list[str]:
        verdict = judge(self._view.reading(machine.page), region.new_build)
        found = [] if isinstance(verdict, Healthy) else [f"{machine.id} itself: {in_words(verdict)}"]
        for membership, standing in Sights(self._view, known, region, ()).standings(machine).items():
            if standing is not Standing.IN_SERVICE:
                found.append(f"{machine.id} is {standing.value.replace('_', ' ')} in {membership.name}")
        return found

    def alone(self, region: RegionRecord, build: str) -> str | None:
        """The build, unless its load balancers also lead to machines that this release leaves alone.

        Such are another farm's in the same group, and after a way back those that had the new build
        before. Then any build may answer there, and each machine's own page is what proves it.
        """
        farm = self._view.farm
        words = {*farm.target_groups, *farm.classic_load_balancers}
        shared = any(each.others and words & {each.key, each.name} for each in region.floors)
        left_alone = build != region.new_build and any(machine.already for machine in region.machines)
        return None if shared or left_alone else build

    def make_safe(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """See ``farm_back.make_safe``."""
        return make_safe(self._view, self._turns(run, region, patience, back=True), run, region)

    def bring_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """See ``farm_back.bring_back``."""
        return bring_back(self._view, self._turns(run, region, patience, back=True), run, region)

    def outlook(self, region: RegionRecord) -> Outlook:
        """The same machines as the release left, each of which can be deployed to and is guarded."""
        build = region.old_build or ""
        seen = self._view.look(build)
        faults = inspect(self.name, self._rolling, self._view.farm, seen, build)
        return farm_outlook(region, seen, faults)

    def ready_way_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Nothing: the way back deploys to each machine in its turn."""

    def withdraw(self, run: ReleaseRun, region: RegionRecord) -> None:
        """See ``farm_back.withdraw``."""
        withdraw(self._view, run, region)
