"""Auto Scaling processes that would replace or move a machine while it is out: suspended, and given back.

Which ones were suspended before is remembered, and those stay suspended.
"""

from __future__ import annotations

from include.airlock.aws import scaling
from include.airlock.aws.connection import AwsAccess
from include.airlock.model.machines import Suspension
from include.airlock.model.record import RegionRecord
from include.airlock.release.run import ReleaseRun


def suspend(access: AwsAccess, run: ReleaseRun, region: RegionRecord, group: str) -> None:
    """Suspend what would interfere in ``group``; what is suspended already is written down first."""
    known = next((each for each in region.suspensions if each.group == group), None)
    if known is None:
        before = scaling.describe(access, group).suspended
        ours = [name for name in scaling.INTERFERING if name not in before]
        known = Suspension(group=group, before=sorted(before), suspended=ours)
        region.suspensions.append(known)
        run.save(region)
    scaling.suspend(access, group, known.suspended)


def resume(access: AwsAccess, run: ReleaseRun, region: RegionRecord) -> None:
    """Resume what this release suspended, and nothing else; afterwards nothing of it is remembered."""
    for each in list(region.suspensions):
        scaling.resume(access, each.group, each.suspended)
        region.suspensions.remove(each)
        run.save(region)
