"""What a scheduled start releases: the build that all staging slots agree on. Looks, then a pure decision."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from include.airlock.azure.look import RegionView
from include.airlock.errors import AirlockError, Refused, Unreachable
from include.airlock.model.service import Service
from include.airlock.release.proposal import Proposal


@dataclass(frozen=True)
class Held:
    """The builds that one region's slots answer with; None: not readable."""

    region: str
    production: str | None
    staging: str | None

    def __str__(self) -> str:
        return f"{self.region} (staging {self.staging}, production {self.production})"


def propose(service: Service) -> Proposal:
    """Look at all regions at once, and propose what their staging slots hold.

    Raises:
        Refused: they do not agree.
        Unreachable: a slot's build could not be read.
        ConnectionMissing, CloudError: a region could not be looked at.
    """
    with ThreadPoolExecutor(max_workers=len(service.places)) as pool:
        looks = list(pool.map(lambda name: _look(service, name), service.places))
    faults = [look for look in looks if isinstance(look, AirlockError)]
    if faults:
        # What asking again may mend comes last.
        raise min(faults, key=lambda each: each.retryable)
    return decide([look for look in looks if isinstance(look, Held)])


def _look(service: Service, name: str) -> Held | AirlockError:
    """One region. Runs in a thread, so it only reads."""
    try:
        with RegionView.of(service, name) as view:
            world = view.world()
    except AirlockError as fault:
        return fault
    return Held(name, world.production_build, world.staging_build)


def decide(held: Sequence[Held]) -> Proposal:
    """Propose the one build of all staging slots, for the regions where production has another.

    Raises:
        Refused: the slots hold different builds, which are named.
        Unreachable: a slot's build is not known.
    """
    unread = [each for each in held if each.staging is None or each.production is None]
    if unread:
        raise Unreachable(f"what the slots hold can't be read: {', '.join(map(str, unread))}")
    builds = {each.staging for each in held}
    if len(builds) != 1:
        raise Refused(f"the staging slots hold different builds: {', '.join(map(str, held))}")
    build = str(builds.pop())
    regions = tuple(each.region for each in held if each.production != build)
    return Proposal(build, regions)
