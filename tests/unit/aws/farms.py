"""Farms of the model and their specs, and what must hold wherever a release of one of them ends."""

from __future__ import annotations

from dataclasses import dataclass

from include.airlock.aws.farm import FarmPlace
from include.airlock.model.loading import parse_service
from include.airlock.model.record import Phase
from include.airlock.model.rolling import RollingService
from tests.unit.aws.machine_cloud import NEW, OLD, Box, MachineCloud, Place, Pool
from tests.unit.aws.release_drive import Release

SPEC = """\
service: shop
owner: team-shop
strategy: rolling
regions:
  - name: eu-west-1
    connection: aws
    farms:
      - name: production
        target_groups: [alb]
{more}
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
max_unavailable: {most}
min_healthy: {least}
soak: 2
poll: 5s
bake: 0s
healthy_timeout: 3m
"""
ZONES = ("eu-west-1a", "eu-west-1b")


@dataclass(frozen=True)
class Shape:
    """What a farm is like. ``zonal``: not across zones; ``least``: the spec's min_healthy."""

    size: int = 2
    most: int = 1
    classic: bool = True
    zonal: bool = False
    standby: bool = False
    slow_start: float = 0.0
    suspended: tuple[str, ...] = ()
    least: int | None = None

    def service(self) -> RollingService:
        more = ["        classic_load_balancers: [elb]"] if self.classic else []
        more += ["        autoscaling_group: asg"] if self.standby else []
        service = parse_service(
            SPEC.format(more="\n".join(more), most=self.most, least=self._least), name="shop.yaml"
        )
        assert isinstance(service, RollingService)
        return service

    @property
    def _least(self) -> str:
        return "null" if self.least is None else str(self.least)

    def cloud(self) -> MachineCloud:
        names = [f"i-{number}" for number in range(1, self.size + 1)]
        floor = max(1, self.size - self.most) if self.least is None else self.least
        alb = Pool(
            "arn:alb", cross_zone=not self.zonal, zone_floor=1, floor=floor, slow_start_s=self.slow_start
        )
        pools = {"arn:alb": alb}
        if self.classic:
            pools["elb"] = Pool("elb", kind="classic", delay_s=10.0, floor=floor)
        for name in names:
            alb.places[name, 80] = Place()
            if self.classic:
                pools["elb"].places[name, None] = Place()
        boxes = {name: Box(name, zone=ZONES[number // 2 % 2]) for number, name in enumerate(names)}
        states = dict.fromkeys(names, "InService") if self.standby else {}
        return MachineCloud(boxes, pools, most=self.most, lifecycles=states, suspended=set(self.suspended))


def released(cloud: MachineCloud, shape: Shape, on_failure: str, gap_s: float = 30.0) -> Release:
    """A release of a farm whose preflight has passed; what the script says counts from here on."""
    script, cloud.script = cloud.script, {}
    release = Release(cloud, shape.service(), FarmPlace, on_failure, gap_s)
    release.preflight()
    cloud.script = {cloud.acts + act: word for act, word in script.items()}
    return release


def assert_sound(release: Release, shape: Shape) -> None:
    """Every machine is where it was, or people are told that it is not; nothing stays suspended."""
    cloud, region = release.cloud, release.region
    told = f"{region.stand} {region.failure}"
    for name, home in cloud.homes.items():
        back = cloud.memberships(name) == home and cloud.lifecycles.get(name, "InService") != "Standby"
        assert back or name in told, f"{name} is forgotten outside: {told}"
    assert cloud.suspended == set(shape.suspended)
    builds = {box.build for box in cloud.boxes.values()}
    if region.phase is Phase.ACCEPTED:
        assert builds == {NEW}
        assert not region.stand
    if region.phase is Phase.ROLLED_BACK:
        assert builds == {OLD}
    if region.phase in (Phase.ACCEPTED, Phase.ROLLED_BACK):
        assert all(cloud.memberships(name) == home for name, home in cloud.homes.items())
