"""How a region's slots would get the old build back, judged by what was read of both. Pure."""

from __future__ import annotations

from include.airlock.azure.inspection import Inspected, obstacles
from include.airlock.azure.swap_decision import World
from include.airlock.model.record import RegionRecord
from include.airlock.model.rollback import Outlook, Way


def outlook(region: RegionRecord, seen: Inspected, *, can_deploy: bool) -> Outlook:
    """What can be done for a region as a release left it; ``can_deploy``: the spec says how, to staging.

    Staging may hold another build than the release left there: a refresh, or the next build to come.
    """
    world, old = seen.world, region.old_build
    in_the_way = obstacles(seen)
    if in_the_way:
        return Outlook(Way.NONE, f"{'; '.join(in_the_way)}; mend that first")
    if world.production_build == old:
        return Outlook(Way.DONE, f"production answers {old}")
    foreign = _foreign(region, world)
    if foreign:
        return Outlook(Way.NONE, foreign)
    if world.staging_build == old:
        return Outlook(Way.INSTANT, f"staging {_held(region, world)}; the slots are swapped again")
    return _deployed_first(world, old, can_deploy=can_deploy)


def _foreign(region: RegionRecord, world: World) -> str | None:
    """Why production does not hold what the release put there, or None where it does."""
    new, now = region.new_build, world.production_build
    if now not in (None, new):
        return f"production answers {now}, which this release did not put there (it was {new}); ask who did"
    put = region.swap.staging.deployment_id if region.swap else None
    if now is None and (put is None or put != world.production.deployment_id):
        return (
            f"production's page can't be read, nor is it known by its deploymentId to hold {new}; look there"
        )
    return None


def _held(region: RegionRecord, world: World) -> str:
    left = region.swap.production.deployment_id if region.swap else None
    if left and world.staging.deployment_id and left != world.staging.deployment_id:
        return f"holds {region.old_build}, deployed anew since the release"
    return f"still holds {region.old_build}"


def _deployed_first(world: World, old: str | None, *, can_deploy: bool) -> Outlook:
    now = f"answers {world.staging_build}" if world.staging_build else "can't be read"
    if can_deploy:
        return Outlook(
            Way.REDEPLOY,
            f"staging {now} and not {old}; {old} is deployed to it first and proved there, "
            "then the slots are swapped",
        )
    return Outlook(
        Way.NONE,
        f"staging {now} and not {old}, and the spec says no way to deploy to it (refresh): "
        f"deploy {old} to staging yourself, then start the rollback again",
    )
