"""A listener in front of the model's machines: weights, answers by chance, and somebody in the portal."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from include.airlock.aws import listeners
from include.airlock.aws.group import PublicAddress
from include.airlock.aws.listeners import Forward, Route
from include.airlock.aws.router import RouterPlace
from include.airlock.model.blue_green import BlueGreenService
from include.airlock.model.health import Reading
from include.airlock.model.loading import parse_service
from include.airlock.model.record import Phase
from tests.unit.aws.machine_cloud import FRESH_S, NEW, OLD, Box, MachineCloud, Place, Pool, Violated
from tests.unit.aws.machine_wires import Bound, page_of
from tests.unit.aws.release_drive import Release

BLUE, GREEN, THIRD = "arn:blue", "arn:green", "arn:third"
FOREIGN = {"portal": {BLUE: 77, GREEN: 23}, "third": {BLUE: 60, THIRD: 40}, "reset": {BLUE: 1}}
SPEC = """\
service: shop
owner: team-shop
strategy: blue_green
regions:
  - name: eu-west-1
    connection: aws
    listener: shop-alb:443
    target_groups: [blue, green]
deploy:
  document: acme-deploy
  build_parameter: Build
  timeout: 2m
status_page:
  path: /status
  format: json
  build: build
  health: state
  dependencies: null
  interval: 1s
  deadline: 1m
steps: {steps}
step_bake: {bake}
soak: 2
poll: 5s
bake: 0s
healthy_timeout: 3m
"""


@dataclass
class Listener:
    """One listener. ``foreign_at`` is when somebody else wrote its weights.

    ``distinct``: not as they once were, which could not be told from a request that was not taken.
    """

    cloud: MachineCloud
    weights: dict[str, int] = field(default_factory=lambda: {BLUE: 1})
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    foreign_at: float | None = None
    distinct: bool = False
    looked: tuple[int, float] = (0, 0.0)
    back: bool = False
    calls: list[dict[str, int]] = field(default_factory=list)

    def route(self) -> Route:
        return Route("listener", "l", "l", Forward(dict(self.weights), None), ())

    def find(self, _: Any, **__: Any) -> Route:
        self.cloud.read()
        self.looked = (self.cloud.process, self.cloud.clock)
        return self.route()

    def set_weights(self, _: Any, route: Route, weights: Mapping[str, int]) -> None:
        self.cloud.change("weights", str(dict(weights)), lambda: self._take(dict(weights)))

    def _take(self, weights: dict[str, int]) -> None:
        process, at = self.looked
        if process != self.cloud.process or self.cloud.clock - at > FRESH_S:
            raise Violated("weights are written, and were not read right before")
        if not self.back and self.distinct and self.foreign_at is not None and self.foreign_at < at:
            raise Violated("somebody else's weights are overwritten on the way forward")
        if self.back and weights.get(GREEN):
            raise Violated("the way back sends requests to the new group")
        if weights.get(GREEN, 0) > self.weights.get(GREEN, 0):
            self._may_grow()
        self.calls.append(weights)
        self.write({**self.weights, **weights})
        if not self.weights.get(THIRD):
            self.foreign_at = None  # written between the look and this call, which nobody could have seen

    def _may_grow(self) -> None:
        process, at, well = self.cloud.reads.get((GREEN, self.cloud.process), (0, 0.0, {}))
        ids = {key[0] for key in self.cloud.pools[GREEN].places}
        if process != self.cloud.process or self.cloud.clock - at > FRESH_S or set(well) != ids:
            raise Violated(f"more weight for a group of which only {sorted(well)} were seen healthy just now")

    def write(self, weights: dict[str, int]) -> None:
        self.weights = weights
        for arn in (BLUE, GREEN):
            pool = self.cloud.pools[arn]
            if arn not in weights:
                pool.used_since = None
            elif pool.used_since is None:
                pool.used_since = self.cloud.clock

    def somebody(self, word: str) -> None:
        self.foreign_at, self.distinct = self.cloud.clock, word != "reset"
        self.write(dict(FOREIGN[word]))

    def answer(self) -> Reading:
        """One answer: a group by its weight, in it a healthy machine, else any."""
        arns = [arn for arn, weight in self.weights.items() if weight]
        arn = self.chance.choices(arns, [self.weights[each] for each in arns])[0]
        if arn == THIRD:
            return Reading("2025.1.1", True, "running")
        pool = self.cloud.pools[arn]
        well = [key[0] for key in pool.places if self.cloud.standing(pool, key) == "in_service"]
        chosen = self.chance.choice(well or [key[0] for key in pool.places])
        return page_of(self.cloud.boxes[chosen])


def service(steps: str, bake: str) -> BlueGreenService:
    found = parse_service(SPEC.format(steps=steps, bake=bake), name="shop.yaml")
    assert isinstance(found, BlueGreenService)
    return found


def routed() -> tuple[MachineCloud, Listener]:
    """Two machines in blue, which is live, and two in green, which is in no action yet."""
    boxes = {f"i-{number}": Box(f"i-{number}") for number in range(1, 5)}
    blue = Pool(BLUE, places={("i-1", 80): Place(), ("i-2", 80): Place()})
    green = Pool(GREEN, places={("i-3", 80): Place(), ("i-4", 80): Place()}, used_since=None)
    cloud = MachineCloud(boxes, {BLUE: blue, GREEN: green})
    cloud.homes = {name: set() for name in boxes}  # nobody leaves a group here
    listener = Listener(cloud)
    cloud.portal = listener.somebody
    return cloud, listener


def bind(bound: Bound, patch: pytest.MonkeyPatch, listener: Listener) -> None:
    patch.setattr(listeners, "find", listener.find)
    patch.setattr(listeners, "set_weights", listener.set_weights)
    patch.setattr(listeners, "public_address", lambda *_: PublicAddress("http", "shop.lb", 80))
    bound.public["shop.lb"] = listener.answer


def released(
    cloud: MachineCloud, spec: BlueGreenService, on_failure: str, gap_s: float, script: dict[int, str]
) -> Release:
    release = Release(cloud, spec, RouterPlace, on_failure, gap_s)
    release.preflight()
    cloud.script = {cloud.acts + act: word for act, word in script.items()}
    return release


def assert_sound(release: Release, listener: Listener) -> None:
    """All of the traffic on one proved side, or people are told how much was sent where."""
    phase, region = release.region.phase, release.region
    builds = {name: box.build for name, box in release.cloud.boxes.items()}
    if phase is Phase.ACCEPTED:
        assert {builds["i-3"], builds["i-4"]} == {NEW}
        assert listener.weights.get(BLUE, 0) == 0 or listener.foreign_at is not None
    elif phase is Phase.ROLLED_BACK:
        assert listener.weights.get(GREEN, 0) == 0 or listener.foreign_at is not None
    elif listener.weights.get(GREEN):
        assert "of the requests" in f"{region.stand}" or region.failure, "requests at the new build, untold"
    assert {builds["i-1"], builds["i-2"]} == {OLD}, "the group that holds the way back was deployed to"
