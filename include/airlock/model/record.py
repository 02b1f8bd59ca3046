"""What a release remembers: one record, written before and after each act.

The record is kept outside the run (see ``include.airlock.release.ledger``), so that a retry, a
Clear or a later release can read what an earlier process knew. It holds no secret.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from include.airlock.model.machines import GroupFloor, MachineRecord, Shift, Suspension, Watch


class Phase(StrEnum):
    """Where one region of a release stands."""

    NOT_ASKED = "not_asked"
    WAITING = "waiting"
    CHECKED = "checked"
    CHANGING = "changing"
    CHANGED = "changed"
    VERIFIED = "verified"
    ACCEPTED = "accepted"
    FAILED = "failed"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    STUCK = "stuck"


class Outcome(StrEnum):
    """How a release ended."""

    RUNNING = "running"
    RELEASED = "released"
    REFUSED = "refused"
    HALTED = "halted"
    ROLLED_BACK = "rolled_back"
    NOTHING = "nothing_to_release"
    PLANNED = "planned"


class SwapPhase(StrEnum):
    """How far one swap request got, as far as this side knows."""

    INTENT = "intent"
    POSTED = "posted"
    DONE = "done"


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Event(_Stored):
    """One thing that happened; ``n`` grows by one within a region's or the release's own list."""

    n: int
    at: str
    text: str
    kind: str = "info"


class Side(_Stored):
    """One slot as it was seen: the build that answered and the control plane's sign of its content."""

    build: str | None = None
    deployment_id: str | None = None


class SwapIntent(_Stored):
    """A swap as it was meant, stored before its request is sent.

    ``production`` and ``staging`` are what was seen right before; ``expected`` is the build
    that production shall answer with afterwards. ``swapped_at`` is the platform's own
    ``slotSwapStatus.timestampUtc`` before the request, or None before a first swap.
    """

    phase: SwapPhase
    direction: str = Field(description="'forward' or 'back'")
    production: Side
    staging: Side
    expected: str
    swapped_at: str | None = None
    location: str | None = None
    posts: int = 0
    reply: str | None = Field(None, description="what the last request was answered; None: no answer known")
    said: str | None = Field(None, description="the platform's words, when it refused")
    posted_at: float | None = Field(None, description="epoch seconds right before the last request")
    heard_at: float | None = Field(None, description="epoch seconds when that answer came")
    since: float = Field(description="epoch seconds when this swap was first meant")
    acts: list[Event] = Field([], description="each request and each answer with its time")


class Question(_Stored):
    """What waits for an answer now: about the ``release`` or a place, in which step, until when, by whom."""

    about: str
    step: str = Field(description="the task that waits")
    text: str
    options: list[str]
    asked_at: str
    until: str
    otherwise: str = Field(description="the option that is taken when nobody answers")
    who: list[str] = Field([], description="who may answer; none: everybody who may in Airflow")
    url: str | None = None
    remark: str | None = Field(None, description="why the last answer was not taken")
    tries: int | None = Field(None, description="Airflow's limit of tries of that step, once Airflow asks")
    plan: str | None = Field(None, description="hash of the plan that it was asked with")


class Decision(_Stored):
    """Who answered what and why; ``refused`` says why the answer was not taken."""

    at: str
    about: str = Field(description="``release`` or a place")
    question: str
    chosen: str
    by: str | None = None
    why: str | None = None
    timed_out: bool = False
    refused: str | None = None
    plan: str | None = Field(None, description="hash of the plan that was shown with the question")
    tries: int | None = Field(None, description="the question's ``tries``: tells a lost run from a Clear")

    @property
    def said(self) -> str:
        """What was answered, in a sentence for people."""
        if self.timed_out:
            return f"nobody answered in time, so: {self.chosen}"
        why = f": {self.why}" if self.why else ""
        refused = f"; not taken, since {self.refused}" if self.refused else ""
        return f"{self.by or 'somebody'} answered '{self.chosen}'{why}{refused}"


class RegionRecord(_Stored):
    """One region's part of a release."""

    name: str
    phase: Phase = Phase.WAITING
    old_build: str | None = None
    new_build: str | None = None
    production: Side | None = Field(None, description="production as seen before anything changed")
    staging: Side | None = Field(None, description="staging as seen before anything changed")
    swap: SwapIntent | None = None
    way_back: SwapIntent | None = None
    verified_at: str | None = None
    watch: Watch | None = None
    back_since: float | None = Field(None, description="epoch seconds when the way back began")
    refreshing: str | None = Field(None, description="the build that staging was asked to get")
    started_at: str | None = None
    ended_at: str | None = None
    failure: str | None = None
    refresh: str | None = None
    stand: str | None = Field(None, description="what is half-done, in a sentence, where it stopped between")
    waits_until: str | None = Field(None, description="when the window opens that it waits for")
    closed: str | None = Field(None, description="why it did not start, where the release ended before it")
    decision: Decision | None = Field(None, description="what was decided when it failed")
    obeyed: bool = Field(False, description="whether the way back has begun to act as was decided")
    although: str | None = Field(None, description="the failure that it was accepted with")
    machines: list[MachineRecord] = []
    floors: list[GroupFloor] = []
    suspensions: list[Suspension] = []
    shift: Shift | None = None
    laps: dict[str, float] = Field({}, description="seconds of each step, from the end of the one before")
    lap_at: str | None = Field(None, description="when the last step ended well; None after a failure")
    events: list[Event] = []
    looks: list[Event] = Field([], description="looks and acts that are recorded and told to nobody")

    @property
    def touched(self) -> bool:
        """Whether this release has changed the region or meant to, as far as it knows."""
        return self.swap is not None or self.shift is not None or any(m.touched for m in self.machines)

    def lap(self, step: str, at: str) -> None:
        """A step of the lane ended well at that moment (ISO 8601); how long it took is kept.

        After a failure that is not known: nobody can tell how long a person looked at it.
        """
        if self.lap_at is not None:
            start, end = map(datetime.fromisoformat, (self.lap_at, at))
            self.laps[step] = max(0.0, round((end - start).total_seconds(), 1))
        self.lap_at = at

    def begin_afresh(self) -> None:
        """Forget what an earlier try meant and did; what was told and what was first seen stays."""
        self.phase, self.failure, self.stand = Phase.WAITING, None, None
        self.waits_until = self.closed = self.although = self.decision = None
        self.obeyed = False
        self.looks += [act for intent in (self.swap, self.way_back) if intent for act in intent.acts]
        self.swap = self.way_back = self.shift = None
        self.machines = [machine.afresh() for machine in self.machines]
        self.floors, self.suspensions = [], []
        self.laps, self.lap_at = {}, None


class Rollback(_Stored):
    """A release undone afterwards, by a run of ``rollback_<service>``: by whom, why, where, since when."""

    run: str = Field(description="the rollback's own DAG run")
    by: str | None = None
    reason: str
    at: str
    url: str | None = None
    places: list[str] = Field(description="what it brings back, in the order of the spec")
    outlook: dict[str, str] = Field({}, description="what was said beforehand, by place")

    @property
    def by_whom(self) -> str:
        """`` by ann``, or nothing where nobody's name was given."""
        return f" by {self.by}" if self.by else ""


class ReleaseRecord(_Stored):
    """One release: who asked for what and why, and how each region fares."""

    release: str = Field(description="the DAG run's id")
    dag: str
    service: str
    build: str
    change_request: str | None = None
    reason: str | None = None
    requested_by: str | None = None
    window_override: str | None = Field(None, description="why windows and freezes do not hold for it")
    on_failure: str
    started_at: str
    ended_at: str | None = None
    url: str | None = None
    waited_s: float | None = None
    outcome: Outcome = Outcome.RUNNING
    sentence: str | None = None
    refusal: str | None = Field(None, description="what the preflight found, when it refused")
    train: str | None = Field(None, description="the train that it was released with")
    stopped: str | None = Field(None, description="why its train stopped")
    stopped_in: str | None = Field(None, description="the region where its train stopped")
    nothing: str | None = Field(None, description="why a scheduled start had nothing to release")
    faults: list[dict[str, str]] = Field([], description="the same, typed: region, code, text")
    warnings: list[str] = []
    plan: str | None = Field(None, description="hash of the plan that its preflight made")
    bound: str | None = Field(None, description="hash of the plan that it was to be bound to")
    plan_only: bool = Field(False, description="whether only a plan was asked for")
    rollback: Rollback | None = Field(None, description="the last rollback of it, once that began")
    question: Question | None = Field(None, description="what waits for an answer now")
    decisions: list[Decision] = Field([], description="what was answered, oldest first")
    events: list[Event] = []
    looks: list[Event] = Field([], description="looks and verdicts that are recorded and told to nobody")
    file: str | None = Field(None, description="the address of its record file")
    regions: list[RegionRecord] = []


__all__ = [
    "Decision",
    "Event",
    "Outcome",
    "Phase",
    "Question",
    "RegionRecord",
    "ReleaseRecord",
    "Rollback",
    "Side",
    "SwapIntent",
    "SwapPhase",
    "Watch",
]
