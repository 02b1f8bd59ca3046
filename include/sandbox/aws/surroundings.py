"""What every part of the AWS side shares: configuration, faults, journal, tasks, and scaled time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from include.sandbox.aws.settings import AwsTimings
from include.sandbox.config import SandboxConfig
from include.sandbox.dependencies import Dependencies
from include.sandbox.faults import Faults
from include.sandbox.journal import Journal


@dataclass
class Surroundings:
    """The world around one part. All times are in seconds at speed 1 until they go through `scaled`."""

    config: SandboxConfig
    faults: Faults
    journal: Journal
    dependencies: Dependencies
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def timings(self) -> AwsTimings:
        """How long AWS takes."""
        return self.config.aws.timings

    def scaled(self, seconds: float) -> float:
        """Return a time of the cloud as this world lives it."""
        return seconds / self.config.speed

    @staticmethod
    def now() -> float:
        """Return the loop's time in seconds."""
        return asyncio.get_running_loop().time()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in the background until the world ends; a failure is told on the log."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a task of the sandbox failed", "exception": task.exception(), "task": task}
            )

    async def close(self) -> None:
        """End everything that runs in the background."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
