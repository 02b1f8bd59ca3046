"""How long a lane of a release took, by the times that Airflow kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from include.local.api import TaskInstance


def lane_seconds(tasks: Mapping[str, TaskInstance], lane: str) -> float | None:
    """Return the seconds from the start of a lane's first step to the end of its last; None if none ran."""
    ran = [
        task for task_id, task in tasks.items() if task_id.startswith(f"{lane}.") and task.start and task.end
    ]
    ran = [task for task in ran if task.state in ("success", "failed")]
    if not ran:
        return None
    first = min(datetime.fromisoformat(str(task.start)) for task in ran)
    last = max(datetime.fromisoformat(str(task.end)) for task in ran)
    return (last - first).total_seconds()
