"""The memory of a tree of processes, sampled while it works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from include.local import sessions

SAMPLE_EVERY_S = 0.5


def proportional_bytes(processes: Iterable[psutil.Process]) -> int:
    """Return the memory of some processes; what they share counts once (PSS, where the system tells it)."""
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            info = process.memory_full_info()
            total += getattr(info, "pss", 0) or info.uss
    return total


class PeakMemory:
    """Samples the sessions of a stack in a thread of its own; a context manager."""

    def __init__(self, wanted: Callable[[], Iterable[int]]) -> None:
        """Take what names the sessions; it is asked anew for each sample."""
        self._wanted = wanted
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak_bytes = 0
        self.samples = 0

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sampling."""
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            members = [member for session in self._wanted() for member in sessions.members(session)]
            self.peak_bytes = max(self.peak_bytes, proportional_bytes(members))
            self.samples += 1
            if self._over.wait(SAMPLE_EVERY_S):
                return
