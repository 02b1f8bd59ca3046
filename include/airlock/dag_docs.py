"""What each DAG's page in Airflow says to people: order, policy, what to do when it stopped, the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.airlock.model.plan import Plan
    from include.airlock.strategies.train import TrainPlan


def doc_of_release(plan: Plan) -> str:
    """What the page of ``release_<service>`` says."""
    service = plan.service
    regions = " → ".join(service.places)
    steps = "\n".join(f"- `{step.id}`: {step.about}" for step in plan if step.verb != "tell")
    return f"""
### {service.service}: {regions}

Owner: {service.owner}. On failure: {service.on_failure.value} (the form can say otherwise).
One release of {service.service} runs at a time; a further one is queued until it has ended.

**It stopped?** The step `verdict` says why, in one sentence. Mend the cause, then clear the failed
step with *Downstream*: every step starts by looking, so it goes on from there. After a way back
the service is locked: run `airlock_unlock` with a reason first.

{steps}
"""


def doc_of_rollback(plan: Plan) -> str:
    """What the page of ``rollback_<service>`` says."""
    service = plan.service
    regions = " → ".join(reversed(service.places))
    steps = "\n".join(f"- `{step.id}`: {step.about}" for step in plan if step.room != "announce")
    return f"""
### {service.service} back: {regions}

Owner: {service.owner}. Windows and freezes don't hold it up. The service stays locked until `airlock_unlock`.
Tick *Only say what would be done* to see each {service.place_word}'s way back first.

**It stopped?** The step `verdict` says why, in one sentence. Mend the cause, then clear the failed
step with *Downstream*: every step starts by looking, so it goes on from there.

{steps}
"""


def doc_of_train(plan: TrainPlan) -> str:
    """What the page of ``train_<train>`` says."""
    train = plan.train
    names = ", ".join(service.service for service in train.services)
    steps = "\n".join(f"- `{step.id}`: {step.about}" for step in plan if step.verb != "tell")
    return f"""
### The train {train.name}: {names}

Regions: {" → ".join(train.regions)}. Owner: {train.spec.owner}. On failure:
{train.spec.on_failure.value} for all its services (the form can say otherwise).
No other release of these services runs beside it: one that is started waits, and says for which run.

**It stopped?** The step `verdict` says why, in one sentence. Mend the cause, then clear the failed
step with *Downstream*: every step starts by looking, so it goes on from there. After a way back
the services are locked: run `airlock_unlock` with a reason for each first, and clear the lanes of
all services that were brought back.

{steps}
"""


def doc_of_train_rollback(plan: TrainPlan) -> str:
    """What the page of ``rollback_train_<train>`` says."""
    train = plan.train
    steps = "\n".join(f"- `{step.id}`: {step.about}" for step in plan if step.room != "announce")
    return f"""
### The train {train.name} back: {" → ".join(reversed(train.regions))}

Owner: {train.spec.owner}. Windows and freezes don't hold it up. The services stay locked until
`airlock_unlock`. Tick *Only say what would be done* to see each way back first.

**It stopped?** The step `verdict` says why, in one sentence. Mend the cause, then clear the failed
step with *Downstream*: every step starts by looking, so it goes on from there.

{steps}
"""
