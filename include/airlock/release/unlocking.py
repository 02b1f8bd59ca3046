"""Taking a service's lock away: who may be disturbed by it, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from include.airlock.errors import RequestError
from include.airlock.model.rollback import REASON, SHORTEST_REASON
from include.airlock.release.dag_runs import state_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.release.ledger import Ledger, Lock


def reason_of(value: object) -> str:
    """The reason as written, trimmed.

    Raises:
        RequestError: it is too short or too long, or has characters that can't be shown.
    """
    try:
        reason = REASON.check(str(value or ""))
    except PydanticCustomError as error:
        raise RequestError(f"reason: {error.message()}") from error
    if len(reason) < SHORTEST_REASON:
        raise RequestError(f"reason: say why, in {SHORTEST_REASON} characters or more")
    return reason


def not_at_work(context: Context, ledger: Ledger, service: str) -> None:
    """The run that holds the lock must have ended: until then the lock is what keeps others out.

    Raises:
        RequestError: it runs; names it.
    """
    held = ledger.lock()
    for dag, run in _holders(ledger, service, held) if held else ():
        if state_of(context, dag, run) == "running":
            raise RequestError(
                f"{service} is held by the run {run} of {dag}, which is at work; let it end first, "
                "or mark it as failed"
            )


def _holders(ledger: Ledger, service: str, held: Lock) -> list[tuple[str, str]]:
    """The runs that may be at work under a lock: the release's, and that of what undoes it."""
    record = ledger.release(held.release)
    found = [(record.dag, held.release)] if record else []
    if held.run:
        found.append((f"rollback_{service}", held.run))
        if record and record.train:
            found.append((f"rollback_train_{record.train}", held.run))
    return found
