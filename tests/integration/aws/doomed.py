"""Releases whose process is killed again and again, each time at a chosen call or write, until one survives.

Every try is a process of its own, forked from the test's: it shares nothing with the next one but the
ledger, which is a file. It ends by SIGKILL, so nothing in it can tidy up.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from include.airlock.model.service import Service
from include.airlock.release.ledger import Ledger
from tests.integration.rehearsal import MemoryStore, Rehearsal

LIMIT_S = 120.0
MOST_TRIES = 60
_READS = ("Describe", "Get", "List")


class FileStore(MemoryStore):
    """Airflow's asset state store as a file; ``written`` is called after each write."""

    def __init__(self, path: Path, written: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._path, self._written = path, written
        if path.exists():
            self.values = json.loads(path.read_text(encoding="utf-8"))

    def set(self, key: str, value: Any) -> None:
        """Store a value, whole or not at all."""
        super().set(key, value)
        self._write()

    def delete(self, key: str) -> None:
        """Forget a key."""
        super().delete(key)
        self._write()

    def _write(self) -> None:
        half = self._path.with_suffix(".half")
        half.write_text(json.dumps(self.values), encoding="utf-8")
        half.replace(self._path)
        self._written()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Fate:
    """When a process dies: at its n-th such moment. ``what`` is one of the names below; None: it lives.

    ``after_change``: a changing request was carried out, its answer not read. ``before_change``: it was
    about to be sent. ``call``: any request was about to be sent. ``store``: the ledger was written.
    """

    what: str | None = None
    number: int = 0
    seen: int = field(default=0, init=False)

    def come(self, what: str) -> None:
        """Such a moment has come."""
        if what == self.what:
            self.seen += 1
            if self.seen == self.number:
                _die()


def after_each_change() -> Iterator[Fate]:
    """Each process makes one change and dies of it."""
    return (Fate("after_change", 1) for _ in count())


def before_each_change() -> Iterator[Fate]:
    """The first process makes no change, the next one makes one, and so on."""
    return (Fate("before_change", number) for number in count(1))


def later_and_later(what: str, first: int, step: int) -> Iterator[Fate]:
    """Each process lives for ``step`` such moments longer than the one before."""
    return (Fate(what, number) for number in count(first, step))


@dataclass
class Doomed:
    """One release of a service that dies of its fates in turn. ``act`` is what every process of it does."""

    service: Service
    ledger: Path
    fates: Iterable[Fate]
    act: Callable[[Rehearsal], object]
    conf: dict[str, Any] = field(default_factory=dict)
    tries: int = 0

    def __post_init__(self) -> None:
        self._fates = iter(self.fates)

    def rehearsal(self, fate: Fate | None = None) -> Rehearsal:
        """The release as its ledger's file has it."""
        written = (lambda: fate.come("store")) if fate else (lambda: None)
        return Rehearsal.of(self.service, ledger=Ledger(FileStore(self.ledger, written)), **self.conf)

    def fork(self) -> int:
        """Start the next process; return its id."""
        self.tries += 1
        fate = next(self._fates)
        child = os.fork()
        if child:
            return child
        _live(fate, lambda: self.act(self.rehearsal(fate)), self.ledger.with_suffix(f".{self.tries}.log"))
        raise AssertionError("the child has ended")


def _live(fate: Fate, act: Callable[[], object], log: Path) -> None:
    """Be the child: never return into the test."""
    code = 1
    try:
        with log.open("w", encoding="utf-8", buffering=1) as sys.stdout:
            sys.stderr = sys.stdout
            _let_calls_come(fate)
            act()
            code = 0
    except BaseException as fault:  # noqa: BLE001 - a forked child must not go on with the test
        log.write_text(f"{log.read_text(encoding='utf-8')}\n{fault!r}", encoding="utf-8")
    finally:
        os._exit(code)


def _let_calls_come(fate: Fate) -> None:
    from botocore.endpoint import Endpoint

    send = Endpoint.make_request

    def make_request(self: Any, operation: Any, request: Any) -> Any:
        changes = not operation.name.startswith(_READS)
        fate.come("call")
        if changes:
            fate.come("before_change")
        answer = send(self, operation, request)
        if changes:
            fate.come("after_change")
        return answer

    Endpoint.make_request = make_request


def survive(doomed: Sequence[Doomed]) -> None:
    """Fork all of them at once, each again when it was killed, until a process of each ends by itself."""
    running = {each.fork(): each for each in doomed}
    deadline = time.monotonic() + LIMIT_S
    try:
        while running:
            for pid in list(running):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if not ended:
                    continue
                each = running.pop(pid)
                if os.WIFSIGNALED(status):
                    assert each.tries < MOST_TRIES, f"{each.service.service} gets nowhere"
                    running[each.fork()] = each
                else:
                    assert os.WEXITSTATUS(status) == 0, each.ledger.with_suffix(
                        f".{each.tries}.log"
                    ).read_text()
            assert time.monotonic() < deadline, [each.service.service for each in running.values()]
            time.sleep(0.02)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
