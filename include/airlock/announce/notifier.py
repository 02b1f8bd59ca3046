"""What a notifier is, and the ways in which telling can fail."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Protocol, TypeVar

from include.airlock.announce.told import Pending, Place, Told
from include.airlock.errors import AirlockError
from include.airlock.model.record import ReleaseRecord

T = TypeVar("T")

LONGEST_SILENCE_S = 300.0
"""The longest that a Retry-After is obeyed; a gateway's nonsense must not silence a release."""


class NotTold(AirlockError):
    """Something was not told; the text says why, without any secret or address.

    Attributes:
        sure: it is certain that nothing was posted, so a post may be sent again without a look.
        others: only this kind of act was refused; others may still work.
        retry_after: seconds after which to try again, where that is known; together with ``sure``
            it is the medium's own wish to be left alone.
        medium, owed: filled in by ``tell``: to whom, and what is still to be told, in words.
    """

    def __init__(
        self, reason: str, *, sure: bool = False, others: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.sure = sure
        self.others = others
        self.retry_after = None if retry_after is None else min(max(1.0, retry_after), LONGEST_SILENCE_S)
        self.medium = ""
        self.owed: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What is still to be told, for people."""
        return ", ".join(self.owed) or "anything"


class Gone(NotTold):
    """The headline is no longer there: somebody deleted it."""


class Blind(NotTold):
    """The medium can't be asked whether a post arrived: a right is missing."""


class Store(Protocol):
    """Where one release's memory of what was told is kept, across steps, retries and workers."""

    def get(self, key: str) -> dict[str, object] | None:
        """What is stored under ``key``, or None."""

    def set(self, key: str, value: dict[str, object]) -> None:
        """Store a JSON value; it must have happened when this returns."""


class Notifier(ABC):
    """One medium. ``name`` is stable and unique within a release: what was told is stored under it.

    All methods raise ``NotTold`` for any trouble of the medium, and use at most ``seconds`` of it.
    """

    name: str
    keeps: ClassVar[bool] = False
    """Whether posts stay where they can be looked for, edited and replied to."""
    batch: ClassVar[int] = 1
    """How many events one post may carry."""

    @abstractmethod
    def ready(self) -> None:
        """Read the connection, outside the time that the medium may take."""

    @abstractmethod
    def post(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place:
        """Send a post and answer where it is."""

    def body(self, record: ReleaseRecord) -> str:
        """A digest of the headline as it should read; '' where it is never edited."""
        return ""

    def look(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place | None:
        """Where a pending post is, or None when it is certainly not there (yet)."""
        return None

    def edit(self, record: ReleaseRecord, told: Told, seconds: float) -> None:
        """Bring the headline up to date; never asked of a medium that does not keep its posts."""
        raise NotImplementedError(f"{self.name} keeps no headline")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Run ``call``, but wait no longer than ``seconds`` for it.

    A client's own timeout counts from one packet to the next and leaves out the name lookup,
    so a server that drips would hold a step for ever. The call is left behind in a daemon
    thread: what it may still do is found by the look that follows.

    Raises:
        NotTold: there was no answer in time.
    """
    answers: list[T] = []
    troubles: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as trouble:  # noqa: BLE001 - whatever it is, it is raised where it was asked for
            troubles.append(trouble)

    thread = threading.Thread(target=run, name="airlock-tell", daemon=True)
    thread.start()
    thread.join(seconds)
    if troubles:
        raise troubles[0]
    if not answers:
        raise NotTold(f"no answer within {seconds:.1f} s")
    return answers[0]
