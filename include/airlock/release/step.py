"""The shape of every step: look, act, look; retried for lost runs, never for a verdict."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError, Overtaken, RequestError, Transient
from include.airlock.model.service import Service
from include.airlock.release.assets import asset_of

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from include.airlock.model.train import Train
    from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)

RETRIES = 6
RETRY_DELAY = timedelta(seconds=1)
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            Transient,
            RetryAction.RETRY,
            retry_delay=timedelta(seconds=10),
            reason="the cloud may answer later",
        ),
        RetryRule(
            Overtaken,
            RetryAction.RETRY,
            retry_delay=timedelta(seconds=10),
            reason="another process of this release was at work; look again",
        ),
        RetryRule(AirlockError, RetryAction.FAIL, reason="a verdict is final"),
    ],
)
"""Airflow loses runs that did nothing wrong (facts: speed), so anything but a verdict is tried again."""

PATIENCE_S = 60.0
"""Seconds that a step waits in its worker before it gives it back; to defer shorter waits would lose time.
Airflow's own configuration can say otherwise: ``[airlock] patience`` (``AIRFLOW__AIRLOCK__PATIENCE``)."""

_PATIENCE_AFTER_S = 10.0
"""Seconds that a step waits in its worker each time it comes back from a deferral."""

SHORTEST_DEFERRAL_S = 15.0
"""Shorter deferred waits were measured to lose runs (facts: speed)."""


@dataclass(frozen=True)
class Later:
    """Come back after ``seconds``, or when ``trigger`` fires."""

    seconds: float
    trigger: BaseTrigger | None = None


def patience_s() -> float:
    """Seconds that a step waits in its worker, as Airflow's configuration has it."""
    from airflow.sdk.configuration import conf

    return conf.getfloat("airlock", "patience", fallback=PATIENCE_S)


def is_last_try(context: Context) -> bool:
    """Whether Airflow will not try the step again by itself."""
    ti: Any = context["ti"]
    return int(ti.try_number) > int(ti.max_tries)


class ReleaseStep(BaseOperator):
    """A step of a release for one region or for all.

    Subclasses implement ``perform``; it starts by looking, may be called again at any
    moment, and answers ``Later`` when a wait takes long.
    """

    after_failures = False
    """Whether the step is there for what failed before: without a change request it has nothing to do."""

    plans = False
    """Whether the step is there also where only a plan is asked for."""

    ui_color = "#e8f1fa"
    ui_fgcolor = "#1b2a3a"

    in_turn = False
    """Whether the step acts on places, so that no other release of the service may be at work."""

    first = False
    """Whether no other step of the run can act at the same time as this one."""

    def __init__(
        self,
        *,
        service: Service,
        region: str | None = None,
        train: Train | None = None,
        trains: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        services = [service] if train is None else train.services
        super().__init__(
            retries=RETRIES,
            retry_delay=RETRY_DELAY,
            retry_policy=RETRY_POLICY,
            inlets=[asset_of(each.service) for each in services],
            **kwargs,
        )
        self.service = service
        self.region = region
        self.train = train
        self.trains = trains

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Do the step. Returns ``Later`` to come back, anything else as the step's result."""
        raise NotImplementedError  # abstract: BaseOperator has a metaclass of its own, so no ABC

    def execute(self, context: Context) -> Any:
        """Airflow's entry: the first try, or a retry."""
        return self._go(context, patience=patience_s())

    def resume(self, context: Context, event: Any = None) -> Any:
        """Airflow's entry after a deferral. What the trigger saw is only logged: the step looks itself."""
        log.info("resumed: %s", event)
        return self._go(context, patience=_PATIENCE_AFTER_S)

    def open(self, context: Context) -> ReleaseRun:
        """The release that the step is part of.

        Raises:
            RequestError: the run's params are not a change request.
        """
        from include.airlock.release.run import open_release

        return open_release(context, self.service, self.train)

    def wait_for_turn(
        self, context: Context, run: ReleaseRun, *, patience: float, alone: bool | None = None
    ) -> Later | None:
        """Take the turn of the service, in a train of all its services; ``Later`` while others go first.

        ``alone``: no other step of the run can do so now; None: so it is for a lone release's first one.
        """
        from include.airlock.release.in_turn import turns, wait

        runs = {each.service.service: each for each in (run.train.runs if run.train else (run,))}
        alone = self.first and self.train is None if alone is None else alone
        wanted = turns(context, list(runs), self.trains, alone=alone)
        return wait(wanted, [runs[name] for name in sorted(runs)], patience=patience)

    def _go(self, context: Context, *, patience: float) -> Any:
        try:
            run = self.open(context)
        except RequestError as fault:
            if self.after_failures:
                raise AirflowSkipException("there is no release to speak of; see the preflight") from fault
            raise
        if run.request.plan_only and not self.plans:
            raise AirflowSkipException("only a plan was asked for: nothing is done after the preflight")
        if self.region is not None and not run.asked(self.region):
            raise AirflowSkipException(f"{self.region} is not asked for")
        if self.in_turn and not run.request.plan_only:
            later = self.wait_for_turn(context, run, patience=patience)
            if later:
                self._come_back(later)
        work = self.worked(run, lambda: self.perform(run, patience=patience), last_try=is_last_try(context))
        return self.settled(context, run, work)

    def worked(self, run: ReleaseRun, work: Callable[[], Any], *, last_try: bool) -> Any:
        """What a step's work comes to: its result, or its failure, which is kept."""
        try:
            return work()
        except AirlockError as fault:
            self.note_failure(run, fault)
            raise

    def settled(self, context: Context, run: ReleaseRun, result: Any) -> Any:
        """A result as it is; a wait gives the worker back."""
        if isinstance(result, Later):
            self._come_back(result)
        return result

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Keep why the region failed, so that the verdict and Slack can say it."""
        from include.airlock.model.record import Phase

        if self.region is None or isinstance(fault, Overtaken):
            return
        region = run.region(self.region)
        verb = self.task_id.rpartition(".")[2]
        if region.phase is Phase.ROLLING_BACK and not self.after_failures:
            return  # a cleared step was refused: the record is the way back's, which may be writing it now
        region.failure = f"{verb}: {fault}"
        if not fault.retryable:
            region.watch = region.refreshing = region.lap_at = None  # a Clear begins the proof anew
        if fault.retryable or region.phase is Phase.ACCEPTED:
            run.save(region)
            return
        if region.phase not in (Phase.ROLLED_BACK, Phase.ROLLING_BACK, Phase.STUCK):
            region.phase = Phase.FAILED
        run.save(region, f"failed at {verb}: {fault}")

    def _come_back(self, later: Later) -> None:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        moment = datetime.now(UTC) + timedelta(seconds=max(later.seconds, SHORTEST_DEFERRAL_S))
        self.defer(trigger=later.trigger or DateTimeTrigger(moment=moment), method_name="resume")
