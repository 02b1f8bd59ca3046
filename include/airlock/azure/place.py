"""``slot_swap`` in one region: what a lane asks of an App Service app with a staging slot."""

from __future__ import annotations

import logging
from dataclasses import replace

from include.airlock.azure.inspection import Inspected, compare, inspect
from include.airlock.azure.look import RegionView, intent_of, sides
from include.airlock.azure.outlook import outlook
from include.airlock.azure.planned import foresee
from include.airlock.azure.swap import Swap
from include.airlock.azure.swap_decision import Timing, World
from include.airlock.azure.way_back import deploy_old, serves_old, swap_back
from include.airlock.errors import AirlockError, Denied, Drifted, NotFound, Overtaken, SwapFailed
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.health import Reading
from include.airlock.model.plan_report import Foreseen
from include.airlock.model.record import RegionRecord
from include.airlock.model.rollback import Outlook
from include.airlock.model.service import Service, SlotSwapService
from include.airlock.model.streak import Policy
from include.airlock.release.place import Fault, Keep, Pages
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later
from include.airlock.status.watch import watch

log = logging.getLogger(__name__)

_STAGING_BACK_S = 60.0
"""Seconds for the old app to answer in the staging slot, where it restarts after the swap."""

_SHORT = Policy(consecutive=1, unhealthy_after=2, interval_s=1.0, deadline_s=10.0)
"""Staging has been up for long: it needs no patience, only a second chance for one lost answer."""


class SlotPlace:
    """One region's app, opened. See ``release.place.Place`` for what each method is asked for."""

    def __init__(self, service: Service, name: str) -> None:
        self.service = service
        self.name = name
        self._view = RegionView.of(service, name)
        self._url: str | None = None

    def __enter__(self) -> SlotPlace:
        return self

    def __exit__(self, *_: object) -> None:
        self._view.__exit__()

    def inspect(self, build: str) -> tuple[Keep, list[Fault]]:
        """Both slots: what is wrong for a release of ``build``, and what to remember of them."""
        seen = self._read()

        def keep(region: RegionRecord) -> None:
            region.production, region.staging = sides(seen.world)
            region.old_build = seen.world.production_build

        return keep, inspect(seen, build)

    def foresee(self, region: RegionRecord, request: ChangeRequest) -> Foreseen:
        """See ``planned.foresee``."""
        return foresee(self._view.service, region, request)

    def _read(self) -> Inspected:
        """Everything that the preflight judges."""
        view, site = self._view, self._view.site
        world = view.world()
        staging = view.url(world.staging, production=False)
        watched = watch(lambda: view.reading(staging), world.staging_build, _SHORT)
        return Inspected(
            region=view.region.name,
            world=world,
            staging_verdict=watched.verdict,
            staging_config=site.config(staging=True),
            production_config=site.config(staging=False),
            staging_settings=self._settings(staging=True),
            production_settings=self._settings(staging=False),
            sticky_settings=site.sticky_settings(),
            differences=site.differences(),
            public_host=view.region.public_host,
        )

    def _settings(self, *, staging: bool) -> dict[str, object] | None:
        """A slot's settings, or None where the credentials may not list them (they can hold secrets)."""
        try:
            return self._view.site.settings(staging=staging)
        except Denied as fault:
            log.warning("%s", fault)
            return None

    def compare(self, region: RegionRecord, build: str) -> None:
        """Both slots and builds are as at the preflight.

        Raises:
            Drifted: names all that is not.
        """
        self._compare(self._view.world(), region, build)

    def _compare(self, world: World, region: RegionRecord, build: str) -> None:
        faults = compare(world, region, build)
        if faults:
            raise Drifted("; ".join(str(fault) for fault in faults) + "; nothing was touched here")

    def prepare(self, run: ReleaseRun, region: RegionRecord) -> None:
        """The compare of compare-and-swap, and the intent that is stored before anything is sent."""
        world = self._view.world()
        self._compare(world, region, run.request.build)
        production, staging = sides(world)
        region.production, region.staging = production, staging
        region.old_build, region.new_build = production.build, staging.build
        region.swap = intent_of("forward", production, staging, world)

    def carry_out(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Swap staging into production, as compare-and-swap: exactly once, or a loud stop.

        Raises:
            Drifted, SwapFailed, Denied, NotFound: see ``Swap.carry_out``.
        """
        intent = region.swap
        assert intent is not None
        save = run.sole_writer(region, "swap")
        try:
            swap = Swap(self._view.site, self._view.world, save, timing_of(run), patience=patience)
            seen = swap.carry_out(intent)
        except Overtaken:
            raise  # record and lock are the other process's
        except (SwapFailed, Drifted, Denied, NotFound) as fault:
            if isinstance(fault, SwapFailed) or intent.posts == 0:
                region.swap = None  # proved, or never asked for, so after a Clear it is meant anew
                run.save(region)
                run.ledger.release_lock_of(run.release)
            raise
        return Later(seen) if isinstance(seen, float) else None

    def pages(self) -> Pages:
        """The production slot's page."""
        url = self._view.url(self._view.site.production(), production=True)
        return Pages((url,), self._view.access.ca_file)

    def reading(self, build: str | None = None) -> Reading:
        """One reading of production's page."""
        if self._url is None:
            self._url = self.pages().urls[0]
        return self._view.reading(self._url)

    def complete_proof(self, region: RegionRecord) -> None:
        """The way back is open only while staging holds the old build. How well it is does not matter."""
        view = self._view
        url = view.url(view.site.staging(), production=False)
        usual = view.service.status_page.policy()
        once = replace(usual, consecutive=1, deadline_s=min(usual.deadline_s, _STAGING_BACK_S))
        watched = watch(lambda: view.reading(url), region.old_build, once, build_only=True)
        watched.or_raise("staging: ")

    def alone(self, region: RegionRecord, build: str) -> str | None:
        """The build: nothing else is behind the address."""
        return build

    def make_safe(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Nothing: a swap is never half-done for long, and both slots keep serving what they hold."""

    def bring_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Swap the two slots again, unless the old build is in production already.

        Whatever became of staging meanwhile: where production serves the old build in the end, it is back.
        """
        try:
            return swap_back(self._view, run, region, timing_of(run), patience)
        except AirlockError as fault:
            if isinstance(fault, Overtaken):
                raise  # the other process looks by itself
            if isinstance(fault, Drifted) and serves_old(self._view, region):
                log.warning("%s: which is what is wanted in production", fault)
                return None
            sent = region.way_back is not None and region.way_back.posts > 0
            if isinstance(fault, SwapFailed) or not (sent or fault.retryable):
                region.way_back = None  # proved, or never asked for, so after a Clear it is meant anew
            raise

    def outlook(self, region: RegionRecord) -> Outlook:
        """Whether staging still holds the old build, by its page and its content's id."""
        return outlook(region, self._read(), can_deploy=self._view.service.refresh is not None)

    def ready_way_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Staging gets the old build again where it was refreshed; see ``way_back.deploy_old``."""
        return deploy_old(self._view, run, region, patience)

    def withdraw(self, run: ReleaseRun, region: RegionRecord) -> None:
        """Nothing: App Service has no way to stop a swap; the next look follows it."""


def timing_of(run: ReleaseRun) -> Timing:
    """How long a swap may take and when silence is proof, as the spec says, in seconds."""
    service = run.service
    assert isinstance(service, SlotSwapService)
    return Timing(service.swap_timeout.total_seconds(), service.swap_settle.total_seconds())
