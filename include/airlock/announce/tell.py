"""``tell``: bring every medium up to date with a release, and never hold the release up."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import ValidationError

from include.airlock.announce.notifier import LONGEST_SILENCE_S, Blind, Gone, Notifier, NotTold, Store
from include.airlock.announce.told import (
    Act,
    Edit,
    Kind,
    Look,
    Medium,
    Pending,
    Post,
    Told,
    arrived,
    given_up,
    gone,
    next_act,
    owed,
    reopened,
    unsettled,
)
from include.airlock.model.record import ReleaseRecord

log = logging.getLogger(__name__)

BUDGET_S = 4.0


class Clock:
    """The time, as ``tell`` uses it; tests have their own."""

    def wall(self) -> float:
        """Seconds since the epoch: stored, and compared between workers."""
        return time.time()

    def steady(self) -> float:
        """Seconds that only ever grow: for deadlines."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; only ever for a Retry-After that fits into the budget."""
        time.sleep(seconds)


def tell(
    record: ReleaseRecord,
    notifiers: Sequence[Notifier],
    store: Store,
    budget_s: float = BUDGET_S,
    clock: Clock | None = None,
) -> list[NotTold]:
    """Tell each medium what it has not been told of ``record`` yet.

    Safe to call again at any moment, also after a crash: a post is never sent twice. One
    caller at a time for one release. No trouble of a medium or of the store is raised.

    Args:
        store: one release's memory of what was told.
        budget_s: seconds that all media together may take; a slow one does not eat another's share.

    Returns:
        What was not told, to whom and why; it is logged, kept, and told by a later call.
    """
    clock = clock or Clock()
    until = clock.steady() + budget_s
    troubles: list[NotTold] = []
    for index, notifier in enumerate(notifiers):
        share = max(0.0, until - clock.steady()) / (len(notifiers) - index)
        telling = _Telling(record, notifier, store, clock)
        telling.run(share)
        troubles += telling.troubles
    for trouble in troubles:
        log.warning("Not told to %s: %s (%s). It is kept for later", trouble.medium, trouble.what, trouble)
    return troubles


@dataclass
class _Telling:
    """One medium, one call of ``tell``."""

    record: ReleaseRecord
    notifier: Notifier
    store: Store
    clock: Clock
    troubles: list[NotTold] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    refused: set[Kind] = field(default_factory=set)
    until: float = 0.0

    @cached_property
    def medium(self) -> Medium:
        notifier = self.notifier
        return Medium(keeps=notifier.keeps, batch=notifier.batch, body=notifier.body(self.record))

    def run(self, share: float) -> None:
        """Do one act after the other until all is told, or the time or the medium ends it."""
        try:
            self._load()
            if self._plan() is None:
                return
            self._be_patient()
            self.notifier.ready()
            self.until = self.clock.steady() + share
            while act := self._plan():
                self._try(act)
        except NotTold as trouble:
            self._note(trouble)

    def _plan(self) -> Act | None:
        return next_act(self.record, self.told, self.medium, self.refused)

    def _try(self, act: Act) -> None:
        """Do an act. Raises ``NotTold`` where nothing else should be tried now."""
        try:
            self._do(act)
        except NotTold as trouble:
            if self._learn(trouble, act) or self._waited(trouble):
                return
            if not trouble.others:
                raise
            self.refused.add(act.kind)
            self._note(trouble)

    def _do(self, act: Act) -> None:
        match act:
            case Look(pending=pending):
                self._look(pending)
            case Edit():
                self.notifier.edit(self.record, self.told, self._left())
                self._save(self.told.model_copy(update={"body": self.medium.body}))
            case Post(pending=pending):
                pending = pending.model_copy(update={"since": self.clock.wall()})
                seconds = self._left()
                if self.medium.keeps:
                    self._save(self.told.model_copy(update={"pending": pending}))
                place = self.notifier.post(self.record, self.told, pending, seconds)
                self._save(arrived(self.told, pending, place, self.medium.body))

    def _look(self, pending: Pending) -> None:
        name, what = self.notifier.name, pending.kind.value
        try:
            place = self.notifier.look(self.record, self.told, pending, self._left())
        except Blind as trouble:
            log.warning(
                "%s may not have got the %s, and can't be asked: %s. Not sent again", name, what, trouble
            )
            self._save(given_up(self.told, pending))
            return
        if place is not None:
            log.info("%s has got the %s; going on from there", name, what)
            self._save(arrived(self.told, pending, place, ""))
            return
        wait = unsettled(pending, self.clock.wall())
        if wait > 0:
            raise NotTold("an earlier post was not answered and may still arrive", retry_after=wait)
        self._save(self.told.model_copy(update={"pending": None}))

    def _learn(self, trouble: NotTold, act: Act) -> bool:
        """Store what a refusal teaches. True where that alone lets the telling go on."""
        if isinstance(trouble, Gone) and self.told.headline and not self.told.alone:
            log.warning("%s: %s; the end will be a message of its own", self.notifier.name, trouble)
            posted = isinstance(act, Post)
            self._save(gone(self.told.model_copy(update={"pending": None}) if posted else self.told))
            return True
        changes: dict[str, object] = {}
        if trouble.sure and isinstance(act, Post):
            changes["pending"] = None
        if trouble.sure and trouble.retry_after is not None:
            changes["quiet_until"] = self.clock.wall() + trouble.retry_after
        self._save(self.told.model_copy(update=changes))
        return False

    def _waited(self, trouble: NotTold) -> bool:
        """Wait as the medium asked, where that fits into the time left."""
        wait = trouble.retry_after
        if wait is None or not trouble.sure or wait >= self.until - self.clock.steady():
            return False
        self.clock.sleep(wait)
        return True

    def _be_patient(self) -> None:
        wait = self.told.quiet_until - self.clock.wall()
        if 0 < wait <= LONGEST_SILENCE_S:
            raise NotTold("it asked for patience a moment ago", retry_after=wait)

    def _left(self) -> float:
        left = self.until - self.clock.steady()
        if left <= 0:
            raise NotTold("no time left", sure=True)
        return left

    def _note(self, trouble: NotTold) -> None:
        trouble.medium = self.notifier.name
        trouble.owed = tuple(owed(self.record, self.told, self.medium))
        self.troubles.append(trouble)

    def _load(self) -> None:
        try:
            stored = self.store.get(self.notifier.name)
        except Exception as trouble:  # whatever the store is made of: telling never breaks doing
            raise _unreachable(trouble) from trouble
        try:
            self.told = Told.model_validate(stored or {})
        except ValidationError as trouble:
            raise NotTold(
                "the memory of what was told can't be read; nothing is posted on a guess"
            ) from trouble
        self._save(reopened(self.record, self.told))

    def _save(self, told: Told) -> None:
        if told == self.told:
            return
        try:
            self.store.set(self.notifier.name, told.model_dump(mode="json"))
        except Exception as trouble:  # see _load
            raise _unreachable(trouble) from trouble
        self.told = told


def _unreachable(trouble: Exception) -> NotTold:
    log.debug("The memory of what was told failed", exc_info=trouble)
    return NotTold(f"the memory of what was told can't be reached ({type(trouble).__name__})")
