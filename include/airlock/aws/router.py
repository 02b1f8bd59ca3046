"""``blue_green`` in one region: what a lane asks of a listener with two target groups."""

from __future__ import annotations

from include.airlock.aws.farm_back import begin_anew, settle, withdraw
from include.airlock.aws.outlook import OldGroup, router_outlook
from include.airlock.aws.planned import foresee_router
from include.airlock.aws.router_inspection import inspect
from include.airlock.aws.router_view import RouterSeen, RouterView
from include.airlock.aws.standing import Standing
from include.airlock.aws.switch import Switch
from include.airlock.aws.turns import Turns
from include.airlock.errors import AirlockError, Drifted, NotProven, Overtaken, Refused
from include.airlock.model.blue_green import BlueGreenService
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.health import Reading
from include.airlock.model.machines import MachineRecord, Shift
from include.airlock.model.plan_report import Foreseen
from include.airlock.model.record import RegionRecord
from include.airlock.model.rollback import Outlook, Way
from include.airlock.model.service import Service
from include.airlock.release.ledger import now
from include.airlock.release.place import Fault, Keep, Pages
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later


class RouterPlace:
    """One listener, opened. See ``release.place.Place`` for what each method is asked for."""

    def __init__(self, service: Service, name: str) -> None:
        assert isinstance(service, BlueGreenService)
        self.service: Service = service
        self.name = name
        self._view = RouterView(service, name)
        self._url: str | None = None
        self._seen: RouterSeen | None = None

    def __enter__(self) -> RouterPlace:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close: the clients end with the step."""

    def inspect(self, build: str) -> tuple[Keep, list[Fault]]:
        """Weights, both groups, the idle machines, the document: what is wrong for a release of ``build``."""
        seen = self._seen = self._view.look(build)

        def keep(region: RegionRecord) -> None:
            self._remember(region, seen, build)

        return keep, inspect(self.name, seen, build)

    def foresee(self, region: RegionRecord, request: ChangeRequest) -> Foreseen:
        """See ``planned.foresee_router``."""
        assert self._seen is not None, "it was inspected"
        return foresee_router(self._view.blue_green, region, self._seen)

    def _remember(self, region: RegionRecord, seen: RouterSeen, build: str) -> None:
        """The idle group's machines. They serve nobody, so there is no group to take them out of."""
        region.old_build = seen.public.build
        region.machines = [
            MachineRecord(id=each.machine.id, page=each.page or "", old_build=each.reading.build, aim=build)
            for each in seen.machines
        ]

    def compare(self, region: RegionRecord, build: str) -> None:
        """The same group is idle, with the same machines, and the live one answers as before.

        Raises:
            Drifted: names all that is not so.
        """
        self._compare(self._view.look(build), region, build)

    def _compare(self, seen: RouterSeen, region: RegionRecord, build: str) -> None:
        found = [fault.text for fault in inspect(self.name, seen, build) if not fault.warning]
        before, now = {each.id for each in region.machines}, {each.machine.id for each in seen.machines}
        if before and before != now:
            found.append(
                f"idle were {', '.join(sorted(before))} at the preflight, now {', '.join(sorted(now))}"
            )
        if region.old_build != seen.public.build:
            found.append(f"{region.old_build} answered at the preflight and {seen.public.build} now")
        if found:
            raise Drifted("; ".join(found) + "; nothing was touched here")

    def prepare(self, run: ReleaseRun, region: RegionRecord) -> None:
        """The weights as they are, right before the first change."""
        build = run.request.build
        seen = self._view.look(build)
        self._compare(seen, region, build)
        self._remember(region, seen, build)
        region.new_build = build
        region.shift = Shift(
            listener=seen.route.key,
            live=seen.sides.live,
            idle=seen.sides.idle,
            before=dict(seen.route.forward.weights),
        )

    def deploy(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """The build on every machine of the idle group, all at once; each is proved by its own page.

        Raises:
            Drifted: the group is not idle any more.
            DeployFailed, NotHealthy, NotProven: see ``Turns.go``.
        """
        shift = region.shift
        assert shift is not None
        if shift.deployed:
            return None
        if self._view.route().forward.weights.get(shift.idle):
            raise Drifted("the idle group receives requests now; nothing was deployed to it")
        turns = self._turns(run, region, patience)
        try:
            later = begin_anew(self._view, turns, region) or turns.go(region.machines)
        except Overtaken:
            raise  # record and lock are the other process's
        except AirlockError:
            region.stand = "the idle group is half deployed; no request was sent to it"
            turns.save()
            raise
        if later is None:
            shift.deployed, region.stand = True, None
            region.lap("deploy", now())
            run.save(region, f"the idle group answers {region.new_build}, machine by machine")
        return later

    def _turns(self, run: ReleaseRun, region: RegionRecord, patience: float) -> Turns:
        save, most = run.sole_writer(region, "machines"), max(1, len(region.machines))
        return Turns(self._view, run, region, save, urls=(), most=most, patience=patience)

    def carry_out(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Weight by weight to the idle group.

        Raises:
            Drifted, Stalled, NotHealthy, NotProven: see ``Switch.go``.
        """
        later = self.deploy(run, region, patience=patience)
        if later:
            return later
        switch = Switch(self._view, run, region, patience)
        try:
            later = switch.go()
        except Overtaken:
            raise  # record and lock are the other process's
        except AirlockError as fault:
            assert region.shift is not None
            region.stand, region.shift.failed = self._stand(region), not fault.retryable
            switch.save()
            raise
        region.stand = None if later is None else region.stand
        return later

    def _stand(self, region: RegionRecord) -> str | None:
        shift = region.shift
        if shift is None or not shift.weights:
            return None
        percent = 100 * shift.weights.get(shift.idle, 0) // (sum(shift.weights.values()) or 1)
        return f"{percent} % of the requests were asked for the new build"

    def pages(self) -> Pages:
        """The status page through the listener."""
        if self._url is None:
            self._url = self._view.url(self._view.route())
        return Pages((self._url,), self._view.access.ca_file)

    def reading(self, build: str | None = None) -> Reading:
        """One reading through the load balancer."""
        return self._view.reading(self.pages().urls[0])

    def complete_proof(self, region: RegionRecord) -> None:
        """The old group is kept warm: a switch back would reach healthy machines.

        Raises:
            NotProven: none of its machines is healthy.
        """
        self._old_is_warm(region)

    def _old_is_warm(self, region: RegionRecord) -> None:
        assert region.shift is not None
        old = self._view.pair()[region.shift.live]
        members = self._view.members(old)
        if not any(member.standing is Standing.IN_SERVICE for member in members):
            raise NotProven(f"no machine is healthy in {old.name}, which holds the way back")

    def alone(self, region: RegionRecord, build: str) -> str | None:
        """The build: nothing else is behind the address."""
        return build

    def make_safe(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Both groups go on serving with the weights that they have; a deploy under way is cancelled."""
        later = settle(self._view, self._turns(run, region, patience), region.machines)
        if later is None:
            region.stand = region.stand or self._stand(region)
            run.save(region)
        return later

    def bring_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """All requests back to the old group, in one call.

        Raises:
            Refused: the old group has no healthy machine.
            Drifted, NotHealthy, NotProven: see ``Switch.back``.
        """
        if region.shift is None:
            return None
        switch = Switch(self._view, run, region, patience)
        try:
            self._old_is_warm(region)
        except NotProven as fault:
            raise Refused(f"{fault}, so nothing was switched back") from fault
        later = switch.back() or settle(self._view, self._turns(run, region, patience), region.machines)
        if later is None:
            region.stand = None
        return later

    def outlook(self, region: RegionRecord) -> Outlook:
        """Whether the group that was live before still stands by: healthy, with the old build."""
        shift = region.shift
        if shift is None:
            return Outlook(Way.DONE, "no request was sent elsewhere")
        old = self._view.pair().get(shift.live)
        if old is None:
            return Outlook(Way.NONE, f"the spec names {shift.live} no more, which was live before")
        standing_by = OldGroup(old.name, self._view.builds(old))
        return router_outlook(region, shift, self._view.route().forward.weights, standing_by)

    def ready_way_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Nothing: the old group stands by at weight 0, or the way back is refused."""

    def withdraw(self, run: ReleaseRun, region: RegionRecord) -> None:
        """See ``farm_back.withdraw``."""
        withdraw(self._view, run, region)
