"""The plan of a release: put together from what the preflight saw, kept, and compared with one bound to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from include.airlock.errors import Refused
from include.airlock.model.plan_report import Foreseen, Past, PlanReport, Stage, report
from include.airlock.model.plan_words import differences
from include.airlock.model.record import Phase
from include.airlock.release.ledger import now
from include.airlock.release.place import Fault, FaultsFound
from include.airlock.release.run import ReleaseRun
from include.airlock.release.window_gate import Stop, WaitUntil, answer_at, shown

REMEMBERED = 10
"""Past releases of a place that the expected seconds of its steps are the median of."""

_SHOWN_PLANS = 3


class PlanDrifted(FaultsFound):
    """The world, the spec or the request is not as the plan has it that the release is bound to."""

    def __init__(self, plan: str, faults: list[Fault]) -> None:
        several = "things are" if len(faults) > 1 else "thing is"
        head = f"{len(faults)} {several} not as plan {plan} has it; nothing was touched:"
        Refused.__init__(self, "\n".join([head, *(f"  - {fault}" for fault in faults)]))
        self.faults = faults


def bound_plan(run: ReleaseRun) -> PlanReport | None:
    """The plan that the release is bound to; None without one.

    Raises:
        Refused: no plan of that hash is remembered.
    """
    asked = run.request.plan
    if asked is None:
        return None
    plan = run.ledger.plan(asked)
    if plan is None and not all(_begun(run, name) for name in run.request.regions):
        last = ", ".join(reversed(run.ledger.plans()[-_SHOWN_PLANS:])) or "none"
        raise Refused(
            f"no plan {asked} of {run.service.service} is remembered (the last ones: {last}); "
            "nothing was touched; make a plan, and bind the release to that"
        )
    return plan


def _begun(run: ReleaseRun, name: str) -> bool:
    """Nothing is looked at or compared again where this release has begun."""
    region = run.region(name)
    return region.touched and region.phase is not Phase.ROLLED_BACK


def hold_to(
    run: ReleaseRun, bound: PlanReport, foreseen: Mapping[str, Foreseen], faults: Sequence[Fault]
) -> None:
    """See that everything is as in the plan that the release is bound to.

    ``foreseen`` are the places that the preflight has looked at. One that this release has begun is as
    planned: what is different there is its own doing. ``faults`` are what the preflight found.

    Raises:
        PlanDrifted: names all that is different, and the faults with it.
    """
    found = differences(bound, _compose(run, foreseen, bound))
    if found:
        drifted = [Fault(each.where, "drifted", each.text) for each in found]
        raise PlanDrifted(bound.hash, [*drifted, *faults])


def make(run: ReleaseRun, foreseen: Mapping[str, Foreseen], warnings: Sequence[str]) -> PlanReport:
    """Put the release's plan together, and keep it under its hash.

    Of places that this release has begun it takes what its plan had before. A plan that the release is
    bound to stays the one that was made then.
    """
    known = run.record().plan
    before = run.ledger.plan(known) if known else None
    plan = _compose(run, foreseen, before)
    first = run.ledger.plan(plan.hash) if run.request.plan == plan.hash else None
    made = {"made_at": first.made_at, "made_by": first.made_by} if first else {}
    plan = plan.model_copy(update={**made, "warnings": [*warnings, *_closings(run, plan)]})
    run.ledger.save_plan(plan)
    return plan


def _closings(run: ReleaseRun, plan: PlanReport) -> list[str]:
    """Where a window would hold the release up on its way, if all takes as long as expected.

    What holds for the first place right now is said by ``window_gate.remark``.
    """
    found: list[str] = []
    moment, waiting = _now(), [name for name in run.request.regions if not run.region(name).touched]
    for name in waiting:
        answer = answer_at(run, name, moment)
        first = name == waiting[0]
        if isinstance(answer, Stop):
            return found if first else [*found, f"it would end before {name}: {answer.why}"]
        if isinstance(answer, WaitUntil):
            moment = answer.moment
            found += [] if first else [f"{name} would wait until {shown(moment)}: {answer.why}"]
        moment += timedelta(seconds=sum(each.expected_s for each in plan.stages if _of_lane(each, name)))
    return found


def _of_lane(stage: Stage, place: str) -> bool:
    return stage.place == place and stage.step != "refresh"


def _now() -> datetime:
    return datetime.now(UTC)


def _compose(
    run: ReleaseRun,
    foreseen: Mapping[str, Foreseen],
    before: PlanReport | None,
) -> PlanReport:
    parts = [foreseen.get(name) or (before and before.part(name)) for name in run.request.regions]
    past = {name: run.ledger.seconds_of_steps(name, most=REMEMBERED) for name in run.request.regions}
    return report(
        run.service,
        run.request,
        [part for part in parts if part],
        Past(past),
        made_at=now(),
        made_by=run.release,
    )
