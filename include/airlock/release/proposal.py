"""The change request of a scheduled start: its first step finds it, and the ledger keeps it for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.airlock.errors import Refused
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.record import Phase
from include.airlock.release.run import dag_run_of, header_of, ledger_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.errors import AirlockError
    from include.airlock.model.service import Service
    from include.airlock.release.ledger import Ledger

NO_BUILD = "(no build)"
"""Stands for the build of a start that was refused because none could be named; it is no build's name."""


@dataclass(frozen=True)
class Proposal:
    """A build, and the places that do not have it yet; without any there is nothing to release."""

    build: str
    regions: tuple[str, ...]


def standing(context: Context, service: Service) -> Proposal | None:
    """What was proposed in this run before; None where nothing was, or nothing that came to a release.

    So a step that Airflow runs again keeps to what was proposed, and after a refusal it looks anew.
    """
    record = ledger_of(context, service.service).release(dag_run_of(context).run_id)
    if record is None or record.nothing or record.refusal:
        return None
    request = ChangeRequest.proposed(record)
    return Proposal(request.build, request.regions)


def keep(context: Context, service: Service, proposal: Proposal) -> str:
    """Store what is proposed; answers it in a sentence.

    Raises:
        RequestError: it is no change request for this service, e.g. by the spec's ``build_pattern``.
        Refused: it was rolled back, or some staging slots hold a way back and others do not.
    """
    ledger = ledger_of(context, service.service)
    left = way_back(ledger, dag_run_of(context).run_id, proposal) if proposal.regions else None
    if left:
        _store(context, service, _nowhere(service, proposal.build), nothing=left)
        return f"nothing to release: {left}"
    if proposal.regions:
        text = in_words(proposal)
        asked = {"build": proposal.build, "regions": list(proposal.regions), "reason": f"By calendar; {text}"}
        _store(context, service, ChangeRequest.of(service, asked))
        return text
    text = f"staging and production hold {proposal.build} in {', '.join(service.places)}"
    _store(context, service, _nowhere(service, proposal.build), nothing=text)
    return f"nothing to release: {text}"


def way_back(ledger: Ledger, release: str, proposal: Proposal) -> str | None:
    """Say that the staging slots hold what the last release left there; None where they do not.

    Nobody has put a build there since: to release that would undo the last release, or do again what was
    rolled back.

    Raises:
        Refused: it was rolled back in a region, or only some of the slots hold a way back.
    """
    found: dict[str, str] = {}
    for name in proposal.regions:
        last, region = ledger.last_change(release, name) or (None, None)
        if last is None or region is None:
            continue
        if region.phase is Phase.ROLLED_BACK and region.new_build == proposal.build:
            raise Refused(f"{proposal.build} was rolled back in {name} ({last}); who wants it starts it")
        if region.phase is not Phase.ROLLED_BACK and region.old_build == proposal.build:
            found[name] = last
    if not found:
        return None
    text = f"staging holds {proposal.build}, the way back of {', '.join(dict.fromkeys(found.values()))}"
    if len(found) < len(proposal.regions):
        raise Refused(f"{text}, in {', '.join(found)}")
    return text


def in_words(proposal: Proposal) -> str:
    """What is proposed, in a sentence."""
    return f"all staging slots hold {proposal.build}; {', '.join(proposal.regions)} shall get it"


def keep_refusal(context: Context, service: Service, fault: AirlockError) -> None:
    """Store why nothing could be proposed, so that it is told."""
    _store(context, service, _nowhere(service, NO_BUILD), refusal=str(fault))


def _nowhere(service: Service, build: str) -> ChangeRequest:
    return ChangeRequest(build=build, regions=(), on_failure=service.on_failure)


def _store(context: Context, service: Service, request: ChangeRequest, **more: str) -> None:
    ledger = ledger_of(context, service.service)
    header = header_of(context, service, request).model_copy(update=more)
    stored = ledger.open(header)
    kept = {"decisions": stored.decisions, "events": stored.events, "looks": stored.looks}
    ledger.save_header(header.model_copy(update=kept))
    for new in header.regions:
        old = ledger.region(header.release, new.name)
        if old.phase is not new.phase and not old.touched:  # what was proposed before is not asked for now
            old.phase = new.phase
            ledger.save_region(header.release, old)
