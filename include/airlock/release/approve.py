"""Steps that wait for people, with what Airflow's human-in-the-loop operators are made of.

Airflow's own operators fix what they show when the DAG is parsed, ask before they look, and give their
form's fields to the run's params. A step here looks first, asks with what it saw, and reads the answer
itself; it waits in ``awaiting_input``, without worker or triggerer
(airflow.providers.standard.operators.hitl; docs/adr/0019-questions.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from include.airlock.errors import AirlockError, NotApproved, RequestError
from include.airlock.model.decision import APPROVE, REASON, REJECT, RELEASE, WHY, Answer, read_answer, refusal
from include.airlock.release.step import SHORTEST_DEFERRAL_S, ReleaseStep, is_last_try, patience_s

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.model.approvals import Approvals
    from include.airlock.model.record import Decision, Question
    from include.airlock.model.service import Service
    from include.airlock.release.asking import Asked
    from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)

Tell = Callable[["Service", "ReleaseRun"], None]
"""Tells at once what waits; bounded, never raises."""


class AskingStep(ReleaseStep):
    """A step that may answer ``Asked``: it waits for people, and ``take`` makes a result of their answer."""

    def __init__(self, *, tell: Tell | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tell = tell

    def ask_about(self, run: ReleaseRun, fault: AirlockError, *, last_try: bool) -> Asked | None:
        """The question that a failure leads to, or None where the step simply fails."""
        return None

    def take(self, run: ReleaseRun, question: Question, answer: Answer, *, patience: float) -> Any:
        """What an answer leads to: a result, as ``perform`` has it; ``Asked`` again where it is not taken."""
        raise NotImplementedError  # abstract: BaseOperator has a metaclass of its own, so no ABC

    def execute(self, context: Context) -> Any:
        """As for every step; but where a lost run left a question in Airflow, its answer is waited for.

        Airflow loses the run that an answer started when it came within seconds of the question (facts:
        apache/airflow#71580), but keeps the answer. To wait for it again at once would be resumed at once,
        and lost again; so it is sought from the triggerer, after a moment.
        """
        question = self._left_behind(context)
        if question is not None:
            log.info("it was asked before, and the answer is still waited for: %s", question.text)
            self._seek_answer(context)
        return super().execute(context)

    def _seek_answer(self, context: Context) -> None:
        from include.airlock.release.answer_trigger import AnswerTrigger

        moment = datetime.now(UTC) + timedelta(seconds=SHORTEST_DEFERRAL_S)
        trigger = AnswerTrigger(ti_id=str(context["ti"].id), moment=moment.isoformat())
        self.defer(trigger=trigger, method_name="answer_sought")

    def answer_sought(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """Airflow's entry after the triggerer has looked: the answer is there, or is waited for again."""
        if event:
            return self.answered(context, event)
        question = self._left_behind(context)
        if question is not None:
            raise _parked(question)
        return super().execute(context)

    def _left_behind(self, context: Context) -> Question | None:
        from include.airlock.release.asking import open_question

        ti: Any = context["ti"]
        if ti.try_number == 1:
            return None
        try:
            question = open_question(self.open(context), self.task_id)
        except RequestError:
            return None  # it is said below, as for every step
        # A Clear raises the limit of tries: then the step begins anew.
        return question if question is not None and question.tries == ti.max_tries else None

    def answered(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """Airflow's entry after an answer, or after the time for one."""
        from include.airlock.release.asking import open_question

        run = self.open(context)
        question = open_question(run, self.task_id)
        if question is None:
            return self.execute(context)  # it was cleared, or the answer is settled already
        answer = read_answer(event or {}, tuple(question.options), question.otherwise)
        log.info("answered: %s", answer)
        result = self.taken(run, question, answer, patience=patience_s(), last_try=is_last_try(context))
        return self.settled(context, run, result)

    def taken(
        self, run: ReleaseRun, question: Question, answer: Answer, *, patience: float, last_try: bool
    ) -> Any:
        """What an answer comes to: as for a step's work, but no step begins anew by it."""
        take = partial(self.take, run, question, answer, patience=patience)
        return AskingStep.worked(self, run, take, last_try=last_try)

    def worked(self, run: ReleaseRun, work: Callable[[], Any], *, last_try: bool) -> Any:
        """As for every step, but a failure may become a question."""
        try:
            return work()
        except AirlockError as fault:
            self.note_failure(run, fault)
            asked = self.ask_about(run, fault, last_try=last_try)
            if asked is None:
                raise
            return asked

    def settled(self, context: Context, run: ReleaseRun, result: Any) -> Any:
        """As for every step, but it may wait for an answer."""
        from include.airlock.release.asking import Asked

        if isinstance(result, Asked):
            self._wait(context, run, result)
        return super().settled(context, run, result)

    def _wait(self, context: Context, run: ReleaseRun, asked: Asked) -> None:
        """Put the question into Airflow, tell that it waits, and give the worker back."""
        from airflow.sdk.execution_time.hitl import HITLUser, upsert_hitl_detail

        from include.airlock.release.asking import stands

        question = asked.question
        # Of a question asked again Airflow keeps subject, body and options, and forgets the answer.
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=question.options,
            subject=question.text,
            body=asked.body,
            defaults=[question.otherwise],
            params={WHY: _why_field()},
            assigned_users=[HITLUser(id=who, name=who) for who in question.who],
        )
        if question.remark is not None:
            log.warning("that answer was not taken: %s", question.remark)
        ti: Any = context["ti"]
        stands(run, ti.max_tries)
        log.info("%s", question.text)
        if self.tell is not None:
            self.tell(self.service, run)
        raise _parked(question)


def _parked(question: Question) -> BaseException:
    """What makes Airflow wait for the answer; when its time is over, until Airflow's next sweep."""
    from airflow.sdk.exceptions import TaskAwaitingInput

    from include.airlock.release.asking import seconds_left

    return TaskAwaitingInput(
        method_name="answered", timeout=timedelta(seconds=max(1.0, seconds_left(question)))
    )


def _why_field() -> dict[str, Any]:
    """The form's one field, as Airflow serializes a ``Param``."""
    return {
        "value": "",
        "description": "Needed to reject, and to accept in spite of a failure; it is recorded and told.",
        "schema": {
            "type": ["null", "string"],
            "maxLength": REASON.longest,
            "format": "multiline",
            "title": "Why",
        },
    }


class ApproveOperator(AskingStep):
    """Wait until somebody approves the release, or one region of it; what was approved is not asked again."""

    def execute(self, context: Context) -> Any:
        """As for every step; but a no stays one when Airflow loses the run that stored it. A Clear asks anew.

        Raises:
            NotApproved: it was stored, and no Clear has raised the limit of tries since.
        """
        from include.airlock.release.asking import last_taken

        ti: Any = context["ti"]
        if ti.try_number > 1:
            run = self.open(context)
            given = last_taken(run, self.region or RELEASE)
            if given is not None and given.chosen != APPROVE and given.tries == ti.max_tries:
                fault = NotApproved(self._no(given))
                self.note_failure(run, fault)
                raise fault
        return super().execute(context)

    ui_color = "#e8daef"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Looks for an approval first; a Clear asks again only where there is none.

        Raises:
            Refused: an earlier region is not accepted.
        """
        from include.airlock.release.asking import approval_of

        if self._is_needless(run):
            return "it has begun already"
        if self.region is not None:
            run.earlier_are_accepted(self.region)
        given = approval_of(run, self.region or RELEASE)
        if given is not None:
            return self._approved(run, given)
        self._refused(run, None)
        return self._ask(run)

    def _is_needless(self, run: ReleaseRun) -> bool:
        """Whether what would be approved has begun, as after a Clear."""
        from include.airlock.model.record import Phase

        names = run.request.regions if self.region is None else (self.region,)
        regions = [run.region(name) for name in names]
        return all(r.touched or r.phase is Phase.ACCEPTED for r in regions)

    def _ask(self, run: ReleaseRun, again: Question | None = None) -> Asked:
        from include.airlock.model.record import Question
        from include.airlock.release.asking import Asked, page_of, put, until
        from include.airlock.release.asking_words import approval, approval_body
        from include.airlock.release.ledger import now

        approvals, record = self._approvals, run.record()
        question = again or Question(
            about=self.region or RELEASE,
            step=self.task_id,
            text=approval(record, self.region),
            options=[APPROVE, REJECT],
            asked_at=now(),
            until=until(approvals.expiry),
            otherwise=REJECT,
            who=list(approvals.by),
            url=page_of(record, self.task_id),
            plan=record.plan,
        )
        put(run, question)
        return Asked(question, approval_body(record, self.region, question))

    def take(self, run: ReleaseRun, question: Question, answer: Answer, *, patience: float) -> Any:
        """An approval lets it go on; a no ends the release here; other answers are not taken.

        Raises:
            NotApproved: by whom and why, or that nobody did in time.
        """
        from include.airlock.release.asking import decision_of, settle

        refused = refusal(answer, self._approvals, run.record().requested_by)
        decision = decision_of(question, answer, refused=refused)
        settle(run, decision)
        if refused is not None:
            return self._ask(run, question.model_copy(update={"remark": refused}))
        if answer.chosen != APPROVE:
            raise NotApproved(self._no(answer))
        return self._approved(run, decision)

    def _no(self, answer: Answer | Decision) -> str:
        if answer.timed_out:
            from include.airlock.model.durations import format_duration

            return f"nobody approved it within {format_duration(self._approvals.expiry)}"
        return f"it was not approved by {answer.by or 'somebody'}: {answer.why}"

    def _approved(self, run: ReleaseRun, decision: Decision) -> str:
        self._refused(run, None)
        why = f": {decision.why}" if decision.why else ""
        return f"approved by {decision.by or 'somebody'}{why}"

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """A no is no failure of the region: the release ends before it, and nothing is brought back."""
        if isinstance(fault, NotApproved):
            self._refused(run, str(fault))

    def _refused(self, run: ReleaseRun, why: str | None) -> None:
        """Keep why the release ends here, for the verdict; None: it does not."""
        if self.region is None:
            record = run.record()
            if record.refusal != why:
                record.refusal = why
                run.ledger.save_header(record)
            return
        region = run.region(self.region)
        if region.closed != why:
            region.closed = why
            run.save(region, f"does not start: {why}" if why else None)

    @property
    def _approvals(self) -> Approvals:
        assert self.service.approvals is not None, "the step is in the plan only where the spec says so"
        return self.service.approvals
