"""Auto Scaling: moto's calls, with Standby, launches and terminations that really happen."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from include.sandbox.aws.standby import StandbyRefused
from include.sandbox.aws.world import AwsWorld


class AutoScalingCalls(AutoScalingResponse):  # type: ignore[misc] # moto's types are not followed
    """The calls whose behaviour moto lacks; the others are moto's."""

    def __init__(self, world: AwsWorld) -> None:
        super().__init__()
        self._world = world

    def enter_standby(self) -> ActionResult:
        """EnterStandby: the machines drain out of the group's load balancers."""
        group = self._group()
        ids = self._get_param("InstanceIds", [])
        decrement = bool(self._get_bool_param("ShouldDecrementDesiredCapacity"))
        try:
            done = self._world.scaling.standby.enter(self.region, group, ids, decrement)
        except StandbyRefused as refused:
            raise ValidationError(str(refused)) from None
        return ActionResult({"Activities": done})

    def exit_standby(self) -> ActionResult:
        """ExitStandby: the machines are registered again."""
        group = self._group()
        try:
            done = self._world.scaling.standby.leave(self.region, group, self._get_param("InstanceIds", []))
        except StandbyRefused as refused:
            raise ValidationError(str(refused)) from None
        return ActionResult({"Activities": done})

    def describe_scaling_activities(self) -> ActionResult:
        """DescribeScalingActivities, newest first."""
        done = self._world.scaling.activities.of(self._get_param("AutoScalingGroupName"))
        wanted = self._get_param("ActivityIds", []) or [each["ActivityId"] for each in done]
        return ActionResult({"Activities": [each for each in done if each["ActivityId"] in wanted]})

    def suspend_processes(self) -> ActionResult:
        """SuspendProcesses; an unknown group is an error."""
        self._group()
        return super().suspend_processes()

    def resume_processes(self) -> ActionResult:
        """ResumeProcesses; an unknown group is an error."""
        self._group()
        return super().resume_processes()

    def attach_instances(self) -> ActionResult:
        """AttachInstances; an unknown group is an error."""
        self._group()
        return super().attach_instances()

    def set_desired_capacity(self) -> ActionResult:
        """SetDesiredCapacity: only the number; machines come and go at the group's next look."""
        group = self._group()
        wanted = int(self._get_param("DesiredCapacity"))
        if not group.min_size <= wanted <= group.max_size:
            text = f"New SetDesiredCapacity value {wanted} is not between min value {group.min_size}"
            raise ValidationError(f"{text} and max value {group.max_size} for the AutoScalingGroup.")
        group.desired_capacity = wanted
        return ActionResult(None)

    def _group(self) -> Any:
        name = self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups.get(name)
        if group is None:
            raise ValidationError(f"AutoScalingGroup name not found - no such group: {name}")
        return group
