"""What only the strategies on AWS have as Airflow operators, and how their places open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.airlock.release.steps import ChangeOperator

if TYPE_CHECKING:
    from include.airlock.model.service import Service
    from include.airlock.release.place import Place
    from include.airlock.release.run import ReleaseRun


def machines(service: Service, name: str) -> Place:
    """Open one farm of machines behind load balancers; see ``release.place.OpenPlace``."""
    from include.airlock.aws.farm import FarmPlace

    return FarmPlace(service, name)


def target_groups(service: Service, name: str) -> Place:
    """Open one listener with its two target groups; see ``release.place.OpenPlace``."""
    from include.airlock.aws.router import RouterPlace

    return RouterPlace(service, name)


class DeployOperator(ChangeOperator):
    """Put the build on the machines of the idle target group; nothing that serves is touched."""

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``switch.deploy``."""
        from include.airlock.aws.switch import deploy

        assert self.region
        self._doing = run
        return deploy(run, self.region, self.places, patience=patience)
