"""The scaling activities of every group, in Auto Scaling's words, newest first."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


class Activities:
    """What Auto Scaling has done, as DescribeScalingActivities tells it."""

    def __init__(self) -> None:
        self._done: list[Json] = []

    def standby(self, group: Any, id_: str, before: int, *, enters: bool) -> Json:
        """Note a move to Standby or out of it; ``before`` is the capacity that was desired."""
        after = group.desired_capacity
        if enters:
            shrinks = f", shrinking the capacity from {before} to {after}" if after < before else ""
            cause = f"instance {id_} was moved to standby in response to a user request{shrinks}."
            return self._note(group, f"Moving EC2 instance to Standby: {id_}", cause, "InProgress", 50)
        cause = (
            f"instance {id_} was moved out of standby in response to a user request, increasing the capacity "
            f"from {before} to {after}."
        )
        text = f"Moving EC2 instance out of Standby: {id_}"
        return self._note(group, text, cause, "PreInService", 30)

    def terminated(self, group: Any, id_: str, why: str) -> None:
        """Note a termination."""
        cause = f"an instance was taken out of service {why}."
        self._note(group, f"Terminating EC2 instance: {id_}", cause, "Successful", 100)

    def launched(self, group: Any, id_: str) -> None:
        """Note a launch."""
        cause = "an instance was started in response to a difference between desired and actual capacity."
        self._note(group, f"Launching a new EC2 instance: {id_}", cause, "Successful", 100)

    def _note(self, group: Any, text: str, cause: str, status: str, progress: int) -> Json:
        now = datetime.now(UTC)
        activity: Json = {
            "ActivityId": str(uuid.uuid4()),
            "AutoScalingGroupName": group.name,
            "Description": text,
            "Cause": f"At {now:%Y-%m-%dT%H:%M:%SZ} {cause}",
            "StartTime": now,
            "StatusCode": status,
            "Progress": progress,
            "Details": "{}",
        }
        self._done.insert(0, activity)
        return activity

    def of(self, group: str | None) -> list[Json]:
        """Return a group's activities, or all."""
        return [each for each in self._done if group in (None, each["AutoScalingGroupName"])]
