"""What was told of one release to one medium, and what to tell next; pure.

A post can't be taken back and most media can't be asked to ignore a second one. So a post is
written down before it is sent (``Pending``). Whoever comes later and finds it still there does
not know whether it arrived: it looks first, and posts again only when the look proves that
nothing is there. An edit needs none of this: editing twice is editing once.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge

from pydantic import BaseModel, ConfigDict

from include.airlock.model.record import Event, Outcome, ReleaseRecord

SETTLE_S = 20.0
"""How long a post without an answer may still arrive: a look that finds nothing proves nothing before."""


class Kind(StrEnum):
    """What can be told: three kinds of post, and the edit of the first."""

    HEADLINE = "headline"
    EVENTS = "events"
    ENDING = "ending"
    EDIT = "edit"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Place(_Kept):
    """Where a post is: Slack's channel id and message ts. Empty where a medium has no such thing."""

    channel: str = ""
    ts: str = ""


class Pending(_Kept):
    """A post that is about to be sent, or was sent and not answered.

    ``mark`` tells it from every other post of the release; ``since`` is in seconds since the epoch.
    """

    kind: Kind
    mark: str
    since: float = 0.0
    events: tuple[tuple[str, int], ...] = ()
    ending: Outcome | None = None


class Told(_Kept):
    """What one medium was told of one release.

    ``heard`` holds, for each region and '' for the release's own list, the last event told.
    ``alone``: the headline can't be found or is gone, so there is nothing to edit or to reply to.
    ``quiet_until``: before this moment (seconds since the epoch) the medium asked to be left alone.
    """

    headline: Place | None = None
    body: str = ""
    heard: dict[str, int] = {}
    ended: Outcome | None = None
    endings: int = 0
    pending: Pending | None = None
    alone: bool = False
    quiet_until: float = 0.0


@dataclass(frozen=True)
class Post:
    """Send this post. ``pending`` is to be stored first where the medium keeps what was posted."""

    pending: Pending

    @property
    def kind(self) -> Kind:
        """What is posted."""
        return self.pending.kind


@dataclass(frozen=True)
class Look:
    """Find out whether this post arrived."""

    pending: Pending

    @property
    def kind(self) -> Kind:
        """What is looked for."""
        return self.pending.kind


@dataclass(frozen=True)
class Edit:
    """Bring the headline up to date."""

    kind = Kind.EDIT


Act = Post | Look | Edit


@dataclass(frozen=True)
class Medium:
    """What the decision has to know of a medium.

    ``keeps``: posts stay, so a headline can be edited, replied to and looked for. ``batch``: how
    many events one post may carry. ``body``: digest of the headline as it should read now.
    """

    keeps: bool
    batch: int
    body: str = ""


def next_act(record: ReleaseRecord, told: Told, medium: Medium, skip: Set[Kind] = frozenset()) -> Act | None:
    """What to do next, or None when all that can be told is told.

    ``skip`` holds the kinds that were refused a moment ago; what is left of the others still goes on.
    """
    if told.pending is not None:
        return Look(told.pending)
    acts = _open_acts(record, told, medium)
    if medium.keeps and acts and acts[0].kind is Kind.HEADLINE:
        acts = acts[:1]  # all else is a reply to it
    return next((act for act in acts if act.kind not in skip), None)


def owed(record: ReleaseRecord, told: Told, medium: Medium) -> list[str]:
    """In words, all that is still to be told; empty when nothing is."""
    events = len(untold(record, told))
    words = {
        Kind.HEADLINE: "that the release has started",
        Kind.EDIT: "where the release stands now",
        Kind.EVENTS: "1 event" if events == 1 else f"{events} events",
        Kind.ENDING: "how it ended",
    }
    return [words[act.kind] for act in _open_acts(record, told, medium)]


def _open_acts(record: ReleaseRecord, told: Told, medium: Medium) -> list[Post | Edit]:
    """All that is still to be told, in order."""
    acts: list[Post | Edit] = []
    if told.headline is None and not told.alone:
        acts.append(Post(Pending(kind=Kind.HEADLINE, mark="headline")))
    elif medium.keeps and not told.alone and told.body != medium.body:
        acts.append(Edit())
    events = [] if told.alone else untold(record, told)[: medium.batch]
    if events:
        acts.append(Post(_of_events(events)))
    if record.outcome is not Outcome.RUNNING and told.ended is not record.outcome:
        ending = Pending(kind=Kind.ENDING, mark=f"ending:{told.endings + 1}", ending=record.outcome)
        acts.append(Post(ending))
    return acts


def untold(record: ReleaseRecord, told: Told) -> list[tuple[str, Event]]:
    """Events that were not told yet with their region, by time; each list keeps its own order."""
    lists = [("", record.events), *((region.name, region.events) for region in record.regions)]
    fresh = [
        [(name, event) for event in sorted(events, key=_number) if event.n > told.heard.get(name, 0)]
        for name, events in lists
    ]
    return list(merge(*fresh, key=lambda entry: entry[1].at))


def _number(event: Event) -> int:
    return event.n


def events_of(record: ReleaseRecord, pending: Pending) -> list[tuple[str, Event]]:
    """The events that a pending post names, as the record holds them."""
    lists = {"": record.events, **{region.name: region.events for region in record.regions}}
    known = {(name, event.n): event for name, events in lists.items() for event in events}
    return [(name, known[name, n]) for name, n in pending.events if (name, n) in known]


def reopened(record: ReleaseRecord, told: Told) -> Told:
    """Forget a told ending when the release runs again: its next ending is news."""
    running = record.outcome is Outcome.RUNNING
    return told.model_copy(update={"ended": None}) if running and told.ended is not None else told


def arrived(told: Told, pending: Pending, place: Place, body: str) -> Told:
    """A post is there. ``body`` is what its headline says, '' where that is not known."""
    changes: dict[str, object] = {"pending": None}
    if pending.kind is Kind.HEADLINE:
        changes |= {"headline": place, "body": body}
    elif pending.kind is Kind.EVENTS:
        changes["heard"] = _heard(told, pending)
    else:
        changes |= {"ended": pending.ending, "endings": told.endings + 1}
    return told.model_copy(update=changes)


def given_up(told: Told, pending: Pending) -> Told:
    """Nobody can say whether a post arrived. It counts as told: silence is better than saying it twice."""
    if pending.kind is Kind.HEADLINE:
        return told.model_copy(update={"pending": None, "alone": True})
    return arrived(told, pending, Place(), "")


def gone(told: Told) -> Told:
    """The headline was deleted. A post that was in doubt stays in doubt, so it counts as told."""
    settled = given_up(told, told.pending) if told.pending else told
    return settled.model_copy(update={"alone": True})


def unsettled(pending: Pending, now: float) -> float:
    """Seconds until a look that finds nothing proves that nothing will come; 0 when it does already."""
    return max(0.0, pending.since + SETTLE_S - now)


def _of_events(events: list[tuple[str, Event]]) -> Pending:
    name, last = events[-1]
    names = tuple((region, event.n) for region, event in events)
    return Pending(kind=Kind.EVENTS, mark=f"events:{name}:{last.n}", events=names)


def _heard(told: Told, pending: Pending) -> dict[str, int]:
    heard = dict(told.heard)
    for region, n in pending.events:
        heard[region] = max(n, heard.get(region, 0))
    return heard
