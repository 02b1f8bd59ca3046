"""A medium, a memory and a clock for tests of telling: exact, in memory, and killed on demand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

from include.airlock.announce import rendering
from include.airlock.announce.notifier import Notifier, NotTold
from include.airlock.announce.tell import Clock
from include.airlock.announce.told import Kind, Pending, Place, Told, events_of
from include.airlock.announce.webhook import idempotency_key
from include.airlock.model.record import ReleaseRecord


class Killed(BaseException):
    """The worker is gone."""


@dataclass
class Moments:
    """Counts the moments at which a worker can be killed, and kills it at some of them."""

    deadly: Collection[int] = ()
    passed: int = 0

    def one(self) -> None:
        """Let one moment pass, or die."""
        self.passed += 1
        if self.passed in self.deadly:
            raise Killed


class HandClock(Clock):
    """A clock that only moves when told, or when slept on."""

    def __init__(self) -> None:
        self.at = 1_000_000.0
        self.slept: list[float] = []

    def wall(self) -> float:
        return self.at

    def steady(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@dataclass
class Memory:
    """A store that may lose its worker right before and right after each write."""

    moments: Moments = field(default_factory=Moments)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: int = 0

    def get(self, key: str) -> dict[str, Any] | None:
        return self.values.get(key)

    def set(self, key: str, value: dict[str, Any]) -> None:
        self.moments.one()
        self.values[key] = value
        self.writes += 1
        self.moments.one()


@dataclass
class Seen:
    """A message as people see it."""

    mark: str
    text: str
    parent: str
    loud: bool
    edits: int = 0


class Channel(Notifier):
    """A medium that keeps what was posted, like Slack. ``trouble`` may refuse before or after acting."""

    name = "channel"
    keeps: ClassVar[bool] = True
    batch: ClassVar[int] = rendering.EVENTS_A_REPLY

    def __init__(self, moments: Moments | None = None) -> None:
        self.moments = moments or Moments()
        self.seen: dict[str, Seen] = {}
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda call: None
        self.after: Callable[[str], None] = lambda call: None

    def ready(self) -> None:
        self.before("ready")

    def body(self, record: ReleaseRecord) -> str:
        return rendering.headline(record).digest

    def post(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place:
        self._enter(f"post {pending.kind}")
        parent = told.headline.ts if told.headline and not told.alone else ""
        ts = f"ts{len(self.seen) + 1}"
        texts = {
            Kind.HEADLINE: rendering.headline(record).text,
            Kind.EVENTS: rendering.thread(events_of(record, pending)).text,
            Kind.ENDING: rendering.ending(record).text,
        }
        self.seen[ts] = Seen(pending.mark, texts[pending.kind], parent, pending.kind is Kind.ENDING)
        self._leave(f"post {pending.kind}")
        return Place(channel="C1", ts=ts)

    def look(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place | None:
        self._enter("look")
        found = next((ts for ts, seen in self.seen.items() if seen.mark == pending.mark), None)
        self._leave("look")
        return Place(channel="C1", ts=found) if found else None

    def edit(self, record: ReleaseRecord, told: Told, seconds: float) -> None:
        self._enter("edit")
        assert told.headline is not None
        self.seen[told.headline.ts].text = rendering.headline(record).text
        self.seen[told.headline.ts].edits += 1
        self._leave("edit")

    def texts(self, mark: str) -> list[str]:
        """What was posted with a mark that starts so."""
        return [seen.text for seen in self.seen.values() if seen.mark.startswith(mark)]

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        self.moments.one()
        self.before(call)

    def _leave(self, call: str) -> None:
        self.after(call)
        self.moments.one()


class Receiver(Notifier):
    """A medium that keeps nothing, like a webhook; it knows a repeated delivery by its key."""

    name = "receiver"

    def __init__(self, moments: Moments | None = None) -> None:
        self.moments = moments or Moments()
        self.got: list[str] = []

    def ready(self) -> None:
        """There is nothing to read."""

    def post(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place:
        self.moments.one()
        self.got.append(idempotency_key(record, pending))
        self.moments.one()
        return Place()


def always(trouble: Callable[[], NotTold], *calls: str) -> Callable[[str], None]:
    """Raise a trouble at each of these calls."""

    def at(call: str) -> None:
        if call in calls:
            raise trouble()

    return at


def once(trouble: Callable[[], NotTold], *calls: str) -> Callable[[str], None]:
    """Raise a trouble at the first of these calls, and never again."""
    left = [trouble]

    def at(call: str) -> None:
        if call in calls and left:
            raise left.pop()()

    return at
