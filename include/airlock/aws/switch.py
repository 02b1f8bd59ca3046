"""Moving a listener's weights to the idle group, step by step; and the deploy to that group before."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from include.airlock.aws import listeners
from include.airlock.aws.router_view import RouterView
from include.airlock.aws.shift_decision import (
    SAMPLE,
    SURE,
    WHOLE,
    Cause,
    Move,
    Next,
    decide,
    shows,
    weights_at,
)
from include.airlock.errors import Drifted, NotHealthy, NotProven, Stalled, Transient
from include.airlock.model.health import Healthy, Inconclusive, Reading, in_words, judge
from include.airlock.model.machines import Shift, Watch
from include.airlock.model.record import Phase, RegionRecord
from include.airlock.model.streak import Policy, Wait
from include.airlock.release.lane import begin, mean
from include.airlock.release.looks import looked
from include.airlock.release.place import OpenPlace
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later
from include.airlock.status.watch import watch

log = logging.getLogger(__name__)

_BETWEEN_ANSWERS_S = 0.02
"""Seconds between two answers of a sample."""

_MOST_ASKS = 200
"""Answers in one look for a small share; below 3 % a look may miss it, and five in a row do not."""


def deploy(run: ReleaseRun, name: str, open_place: OpenPlace, *, patience: float) -> Later | None:
    """Put the build on the idle group's machines, each proved by its own status page.

    Raises:
        Drifted, DeployFailed, NotHealthy, NotProven: see ``Turns.go``.
    """
    from include.airlock.aws.router import RouterPlace

    region = begin(run, name)
    if region.phase is Phase.ACCEPTED:
        return None
    with open_place(run.service, name) as place:
        assert isinstance(place, RouterPlace)
        mean(run, region, place)
        return place.deploy(run, region, patience=patience)


@dataclass
class Switch:
    """One listener's shift, on or back. ``region.shift`` holds all that a new process needs to go on."""

    view: RouterView
    run: ReleaseRun
    region: RegionRecord
    patience: float
    _answers: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began, self._said = time.time(), ""
        self.save = self.run.sole_writer(self.region, "shift")
        self._pair = self.view.pair()
        assert self.region.shift is not None
        self._shift: Shift = self.region.shift
        if self._shift.failed:  # it is asked for again: its time begins anew, what was proved stays proved
            self._shift.since, self._shift.healthy, self._shift.failed = time.time(), 0, False
            self.region.watch = None

    def go(self) -> Later | None:
        """Look, decide, act until all of the traffic is on the idle group, proved by the answers.

        Raises:
            Drifted: somebody else changed the weights.
            Stalled: the idle group did not become healthy.
            NotHealthy, NotProven: the answers are bad, or do not show that a step took effect.
        """
        while True:
            route = self.view.route()
            self._count()
            decision = self._decide(route)
            if decision.why != self._said:
                self._said = decision.why
                log.info("%s: %s", decision.move, decision.why)
            if decision.move is Move.DONE:
                return None
            later = self._act(route, decision)
            if later:
                return later

    def _decide(self, route: listeners.Route) -> Next:
        service = self.view.blue_green
        return decide(
            self._shift,
            route.forward.weights,
            service.steps,
            soak=service.soak,
            healthy_timeout=service.healthy_timeout.total_seconds(),
            step_bake=service.step_bake.total_seconds(),
            now=time.time(),
        )

    def _count(self) -> None:
        """Looks in a row with the whole idle group healthy."""
        ids = [machine.id for machine in self.region.machines]
        healthy = self.view.all_healthy(self._pair[self._shift.idle], ids)
        self._shift.healthy = self._shift.healthy + 1 if healthy else 0

    def _act(self, route: listeners.Route, decision: Next) -> Later | None:
        if decision.move is Move.STOP:
            raise (Drifted if decision.cause is Cause.FOREIGN else Stalled)(decision.why)
        if decision.move is Move.SET:
            assert decision.weights is not None
            self.set(route, dict(decision.weights), decision.why)
            return None
        if decision.move is Move.WAIT:
            return self._pause()
        return self._prove() if decision.move is Move.PROVE else self._bake()

    def set(self, route: listeners.Route, weights: dict[str, int], why: str) -> None:
        """Ask for weights in one call; what is asked is stored before."""
        self._shift.weights, self._shift.since = weights, time.time()
        self.region.watch = None
        self._answers.clear()
        self.save(event=why)
        try:
            listeners.set_weights(self.view.access, route, weights)
        except Transient as fault:
            log.warning("%s", fault)  # the next look tells whether it was taken

    def _pause(self) -> Later | None:
        pause = self.view.service.poll.total_seconds()
        if time.time() + pause - self._began > self.patience:
            self.save()
            return Later(pause)
        time.sleep(pause)  # between two looks; the state is read each time
        return None

    def _prove(self) -> Later | None:
        """Ask through the load balancer until the answers show the step, and remember that they did."""
        following = self._shift.stage + 1 if self._shift.staged_at is not None else max(self._shift.stage, 0)
        percent = self.view.blue_green.steps[following]
        later = self.sample(percent)
        if later:
            return later
        self._shift.stage, self._shift.staged_at = following, time.time()
        self._began = time.time()  # patience is with a wait, not with all steps together
        self.region.watch = None
        self.save(event=f"{percent} % of the answers are {self.region.new_build}, as asked")
        return None

    def sample(self, percent: int) -> Later | None:
        """Ask through the load balancer until the answers show that share of the new build.

        Raises:
            NotHealthy, NotProven: bad answers in a row, or the share does not show in time.
        """
        policy = self.view.service.status_page.policy()
        self.region.watch = self.region.watch or Watch(since=time.time())
        whole = SURE if percent in (0, WHOLE) else SAMPLE
        url, bad, asked = self.view.url(self.view.route()), 0, 0
        while not shows(self._answers, percent):
            if asked >= whole and not (bad or len(self._answers) % whole):
                self._in_time(percent, policy)
                if time.time() - self._began > self.patience:
                    return Later(0.0)
            reading, asked = self.view.reading(url), asked + 1
            verdict = judge(reading, None)
            well = isinstance(verdict, Healthy) and self._known(reading)
            if well:
                self._answers.append(reading.build == self.region.new_build)
            bad = self._bad(bad, reading, percent, well=well)
            if bad >= policy.unhealthy_after:
                said = in_words(verdict) if self._known(reading) else f"build {reading.build} answers"
                raise (NotProven if isinstance(verdict, Inconclusive) else NotHealthy)(
                    f"{bad} bad answers in a row at {percent} %: {said}"
                )
            # Spares the page between two answers; each answer is read anew.
            time.sleep(_BETWEEN_ANSWERS_S if well else policy.interval_s)
        self.region.watch = None
        return None

    def _in_time(self, percent: int, policy: Policy) -> None:
        """Between two whole samples: may another one be taken?

        Raises:
            NotProven: the share did not show until the page's deadline.
        """
        assert self.region.watch is not None
        if time.time() - self.region.watch.since > policy.deadline_s:
            got = self._answers[-SAMPLE:]
            raise NotProven(
                f"the answers do not show {percent} % after {policy.deadline_s:g} s: "
                f"{sum(got)} of {len(got)} were {self.region.new_build}"
            )

    def _bad(self, bad: int, reading: Reading, percent: int, *, well: bool) -> int:
        """Bad answers so far. Only the build that is being given traffic clears them by a good one.

        Else the many good answers of the other build would hide that this one is broken.
        """
        if not well:
            return bad + 1
        return 0 if reading.build == (self.region.new_build if percent else self.region.old_build) else bad

    def _known(self, reading: Reading) -> bool:
        return reading.build in (self.region.new_build, self.region.old_build)

    def _bake(self) -> Later | None:
        """The new build's share is watched: what it answers must be well, and it must answer.

        Raises:
            NotHealthy, NotProven: it does not.
        """
        assert self._shift.staged_at is not None
        url, build = self.view.url(self.view.route()), self.region.new_build
        asks = self._asks(self.view.blue_green.steps[self._shift.stage])
        self.region.watch = self.region.watch or Watch(since=self._shift.staged_at)
        soak = self.view.blue_green.step_bake.total_seconds()
        policy = self.view.service.status_page.policy().baking(soak)
        left = self.patience - (time.time() - self._began)
        watched = watch(
            lambda: self._of_new_build(url, asks),
            build,
            policy,
            proof=self.region.watch,
            patience=max(left, 0.0),
            switched=True,
        )
        if isinstance(watched.decision, Wait):
            self.save()
            return Later(watched.decision.seconds)
        self.region.watch = None
        watched.or_raise()
        percent = self.view.blue_green.steps[self._shift.stage]
        looked(self.region, f"{build} at {percent} % over {soak:g} s: {watched.decision.why}")
        self._shift.baked = self._shift.stage
        self.save()
        return None

    def _asks(self, percent: int) -> int:
        """Answers within which the new build's share is all but sure to show (e⁻⁵: 0.7 % it does not)."""
        return min(_MOST_ASKS, 5 * WHOLE // percent)

    def _of_new_build(self, url: str, asks: int) -> Reading:
        """The first answer that is not a good one of the old build; of ``asks`` such, the last."""
        reading = self.view.reading(url)
        for _ in range(asks):
            if reading.build != self.region.old_build or not isinstance(judge(reading, None), Healthy):
                return reading
            time.sleep(_BETWEEN_ANSWERS_S)  # spares the page; each answer is read anew
            reading = self.view.reading(url)
        return reading

    def back(self) -> Later | None:
        """All of the traffic to the group that was live, in one call; proved by the answers.

        Raises:
            Drifted: somebody sends requests to a third group.
            NotHealthy, NotProven: the answers do not show it.
        """
        route = self.view.route()
        foreign = set(route.forward.weights) - {self._shift.live, self._shift.idle}
        if any(route.forward.weights[arn] for arn in foreign):
            raise Drifted(
                f"somebody sends requests to {', '.join(sorted(foreign))}; nothing was switched back"
            )
        wanted = weights_at(self._shift, 0)
        if route.forward.weights.get(self._shift.idle):
            self.set(route, wanted, f"all requests go back to {self._pair[self._shift.live].name}")
        return self.sample(0)
