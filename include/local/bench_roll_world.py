"""What the benchmark releases on AWS: two machines behind an ALB and a classic load balancer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.local.parse_time import DAG_FILE

CLOUD_SERVICE, REGION, FARM = "checkout", "eu-west-1", "production"
PLACE = f"{REGION}.{FARM}"
BALANCERS = ("checkout-production-alb", "checkout-production-classic")
HOSTS = {name: f"{CLOUD_SERVICE}/{REGION}/{FARM}/{name}" for name in BALANCERS}
MACHINES = 2
BUILD = "2026.11.2"
# Seconds at speed 1, as AWS would be set: the delay of the target group, the deployment by Run Command,
# health checks. The application's warm-up differs from round to round.
DELAY_S, DRAINING_S = 60, 60
START_S, DEPLOY_S = 1.0, 8.0
REGISTRATION_S, INTERVAL_S, HEALTHY = 2.0, 10, 3
LONG_REQUEST_S = 20.0
# Every rival looks as often; seconds of the bench's own clock.
POLL_S = 1.0


@dataclass(frozen=True)
class Round:
    """One cloud to release in: how many times as fast as AWS it runs, and how slowly the service starts.

    `with_hasty` adds a playbook that waits for too little; one round of it shows enough.
    """

    name: str
    title: str
    speed: float
    warm_up_s: float
    with_hasty: bool = False

    @property
    def service(self) -> str:
        """The service, as its spec names it."""
        return f"bench_{self.name}"

    @property
    def connection(self) -> str:
        """The connection to this round's cloud."""
        return f"aws_bench_{self.name}"

    @property
    def floor_s(self) -> float:
        """The least that any release can take: the cloud's own times, one machine after the other.

        A machine drains for the delay of its target group, gets the build, starts and warms up with
        nobody waiting for it, is registered, and is healthy after so many checks in a row. The first
        check comes right after the registration. No poll, no soak and no bake is counted.
        """
        turn = DELAY_S + START_S + DEPLOY_S + self.warm_up_s + REGISTRATION_S + (HEALTHY - 1) * INTERVAL_S
        return MACHINES * turn / self.speed


# The second application takes longer to start than the article's pipeline sleeps (60 s).
ROUNDS = (
    Round("usual", "warm after 4 s", speed=2.0, warm_up_s=4.0, with_hasty=True),
    Round("slow", "warm after 90 s", speed=4.0, warm_up_s=90.0),
)

_SPEC = """
service: {service}
owner: team-bench
strategy: rolling
regions:
  - name: {region}
    connection: {connection}
    farms:
      - name: {farm}
        target_groups: [checkout-production]
        classic_load_balancers: [checkout-production-classic]
deploy:
  document: airlock-demo-deploy
  build_parameter: Build
  parameters:
    Service: [{cloud_service}]
  timeout: 2m
status_page:
  path: /status
  format: json
  build: build
  health: state
  dependencies: dependencies
  consecutive: 3
  interval: 250ms
  deadline: 3m
healthy_timeout: 3m
poll: {poll:g}s
bake: 1s
announce:
  slack: {{connection: slack_default, channel: "#releases"}}
"""


def write_dags(folder: Path) -> None:
    """Add a spec and a DAG file for each round to a folder that has others already."""
    for one in ROUNDS:
        spec = _SPEC.format(
            service=one.service,
            region=REGION,
            connection=one.connection,
            farm=FARM,
            cloud_service=CLOUD_SERVICE,
            poll=POLL_S,
        )
        (folder / "services" / f"{one.service}.yaml").write_text(spec, encoding="utf-8")
        (folder / f"release_{one.service}.py").write_text(DAG_FILE.format(name=one.service), encoding="utf-8")


def sandbox_settings(one: Round) -> dict[str, Any]:
    """Return the settings of a round's sandbox: the one farm, and every time that the floor is made of."""
    farm = {
        "machines": MACHINES,
        "deregistration_delay": DELAY_S,
        "draining_timeout": DRAINING_S,
        "health_check": {"interval": INTERVAL_S, "timeout": 5, "healthy": HEALTHY, "unhealthy": 2},
    }
    return {
        "speed": one.speed,
        "aws": {
            "timings": {
                "command_start": START_S,
                "deploy": DEPLOY_S,
                "warm_up": one.warm_up_s,
                "registration": REGISTRATION_S,
            },
            "services": {
                CLOUD_SERVICE: {"regions": {REGION: {"farms": {"staging": None, FARM: farm}}}},
                "search": None,
            },
        },
    }


def connection_of(one: Round, endpoints: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connection to a round's cloud, as Airflow's REST API takes it."""
    from include.local.connections import airflow_connections

    name = f"aws_{REGION.replace('-', '_')}"
    return {"connection_id": one.connection, **airflow_connections(endpoints)[name]}
