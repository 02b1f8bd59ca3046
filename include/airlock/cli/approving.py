"""``airlock approve``: what releases ask people, and answers to it."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.cli.airflow import Airflow
from include.airlock.cli.asking import run_id_of
from include.airlock.cli.ending import CannotGoOn, Exit, bad_input
from include.airlock.cli.facts import Question, Task
from include.airlock.cli.questions import ANY, AlreadyAnswered, answer, questions_of
from include.airlock.cli.reach import RELEASE, TRAIN, airflow_of, name_of
from include.airlock.cli.text import moment, plain, unmarked
from include.airlock.cli.watching import come_back
from include.airlock.model.decision import APPROVE, NEEDS_WHY, REASON, REJECT, SHORTEST_WHY, WHY, Choice
from include.airlock.model.wording import nearest, shown

ANSWERS = {
    "approve": APPROVE,
    "reject": REJECT,
    "retry": Choice.RETRY.value,
    "roll-back": Choice.ROLL_BACK_REGION.value,
    "roll-back-all": Choice.ROLL_BACK_RELEASE.value,
    "accept": Choice.ACCEPT.value,
    "halt": Choice.HALT.value,
}
"""What is written for each option of a question."""
_WORDS = {option: word for word, option in ANSWERS.items()}

PATIENCE_S = 15.0
"""How long it is waited for a step that may ask again; it may take longer, and do so later."""
_NOT_TAKEN = "that answer was not taken: "
"""How the line in a step's log begins that says why it asks again."""
_GOING = frozenset({None, "scheduled", "queued", "running", "restarting", "up_for_retry", "awaiting_input"})


@dataclass(frozen=True)
class Pause:
    """The pauses between looks; tests have their own."""

    every_s: float = 0.5
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def approve(options: argparse.Namespace) -> Exit:
    """Show what waits for an answer, or answer it.

    Raises:
        CannotGoOn: nothing waits, it is not clear what is answered, or Airflow did not take it.
    """
    why = _reason_of(options)
    airflow = airflow_of(options)
    waiting = _waiting(airflow, options)
    if options.answer is None:
        return _list(options, waiting)
    question = _the_one(waiting, options)
    return _answer(options, airflow, question, why)


def _reason_of(options: argparse.Namespace) -> str | None:
    """The reason of an answer, checked before anything is sent.

    Raises:
        CannotGoOn: it can't be kept, there is none and one is needed, or there is nothing to be answered.
    """
    if options.answer is None:
        if options.reason is not None:
            raise bad_input(f"--reason goes with an answer; --answer is one of {', '.join(ANSWERS)}")
        return None
    why = (options.reason or "").strip()
    try:
        why = REASON.check(why) if why else ""
    except PydanticCustomError as error:
        raise bad_input(f"--reason: {error.message()}") from None
    if ANSWERS[options.answer] in NEEDS_WHY and len(why) < SHORTEST_WHY:
        raise bad_input(f"{options.answer} needs a --reason; it is kept for whoever asks later")
    return why or None


def _waiting(airflow: Airflow, options: argparse.Namespace) -> list[Question]:
    """The open questions of a service, of a train, or of all; of one run where it is named.

    A train asks about its services too: their names are in the steps' ids.
    """
    run_id = run_id_of(options.run, "", datetime.now(UTC)) if options.run else None
    return [
        each
        for dag_id in _dags_of(airflow, options.service)
        for each in questions_of(airflow, dag_id, run_id)
        if each.dag_id.startswith((RELEASE, TRAIN)) and _is_about(each, options.service)
    ]


def _dags_of(airflow: Airflow, service: str | None) -> list[str]:
    """The DAGs that may ask about a service or train: who may see just some DAGs can't ask for any."""
    if service is None:
        return [ANY]
    trains = airflow.names(TRAIN)
    own = f"{RELEASE}{service}"
    known = airflow.known_dag(own) is not None
    if not known and service not in trains:
        raise airflow.no_such_dag(own)
    return [*([own] if known else []), *(f"{TRAIN}{each}" for each in trains)]


def _is_about(question: Question, service: str | None) -> bool:
    named = question.dag_id.startswith(TRAIN) and service in question.task_id.split(".")
    return service is None or named or name_of(question.dag_id) == service


def _list(options: argparse.Namespace, waiting: Sequence[Question]) -> Exit:
    if options.json:
        for each in waiting:
            print(json.dumps({"event": "question", **_as_json(each)}))
    elif not waiting:
        print(f"nothing{_of(options)} waits for an answer")
    else:
        print("\n\n".join(_in_words(each) for each in waiting))
    return Exit.DONE


def _of(options: argparse.Namespace) -> str:
    named = " ".join(plain(each, 80) for each in (options.service, options.run) if each)
    return f" of {named}" if named else ""


def _in_words(question: Question) -> str:
    """A question with what each answer does, which its text says, and how to give it."""
    name = name_of(question.dag_id)
    since = f", asked at {moment(question.asked_at)}" if question.asked_at else ""
    lines = [f"{plain(name, 80)} {plain(question.run_id, 250)}, {plain(question.task_id, 250)}{since}"]
    lines.append(f"  {plain(question.subject)}")
    lines += [f"  {plain(unmarked(line))}" for line in question.body.splitlines() if line.strip()]
    if question.users:
        lines.append(f"  may be answered by {', '.join(plain(each, 80) for each in question.users)}")
    words = [_WORDS[each] for each in question.options if each in _WORDS]
    begin = f"airlock approve {plain(name, 80)} {plain(question.run_id, 250)}"
    lines.append(f"  answer: {begin} --answer {'|'.join(words)} [--reason TEXT]")
    return "\n".join(lines)


def _as_json(question: Question) -> dict[str, Any]:
    return {
        "service": name_of(question.dag_id),
        "run": question.run_id,
        "step": question.task_id,
        "subject": question.subject,
        "body": question.body,
        "answers": [_WORDS[each] for each in question.options if each in _WORDS],
        "users": list(question.users),
        "asked_at": question.asked_at.isoformat() if question.asked_at else None,
    }


def _the_one(waiting: Sequence[Question], options: argparse.Namespace) -> Question:
    """The question that is meant.

    Raises:
        CannotGoOn: there is none, several are open, or the answer is none of its answers.
    """
    found = [each for each in waiting if options.step in (None, each.task_id)]
    steps = [each.task_id for each in waiting]
    if not waiting:
        raise bad_input(f"nothing{_of(options)} waits for an answer")
    if not found:
        raise bad_input(f"--step: {shown(options.step)} does not wait; {nearest(options.step, steps)}")
    if len(found) > 1:
        each = ", ".join(plain(f"{one.run_id} {one.task_id}", 300) for one in found)
        raise bad_input(f"several questions wait: {each}; name the run and --step")
    if ANSWERS[options.answer] not in found[0].options:
        words = ", ".join(_WORDS.get(option, option) for option in found[0].options)
        raise bad_input(f"{found[0].task_id} can't be answered with {options.answer}, but with {words}")
    return found[0]


def _answer(options: argparse.Namespace, airflow: Airflow, question: Question, why: str | None) -> Exit:
    option = ANSWERS[options.answer]
    # Airflow wants all of a question's fields or none.
    texts = dict.fromkeys(question.fields, "") | {WHY: why or ""} if question.fields else {}
    try:
        answer(airflow, question, option, texts)
    except AlreadyAnswered:
        raise CannotGoOn(
            f"{question.task_id} of {question.run_id} has just been answered by somebody else", Exit.FAILED
        ) from None
    again = _asks_again(airflow, question, Pause())
    if options.json:
        said = {"event": "answered", **_as_json(question), "answer": options.answer, "reason": why}
        print(json.dumps({**said, "asks_again": again is not None}))
        return Exit.DONE if again is None else Exit.REFUSED
    if again is not None:
        raise CannotGoOn(f"{question.task_id} of {question.run_id} asks again: {again}", Exit.REFUSED)
    print(f"{question.task_id} of {question.run_id} is answered: {option}")
    print(f"follow it: {come_back(question.dag_id, question.run_id)}")
    return Exit.DONE


def _asks_again(airflow: Airflow, question: Question, clock: Pause) -> str | None:
    """Why the step waits for another answer; None as soon as it has gone on, or has taken long."""
    deadline = clock.monotonic() + PATIENCE_S
    while clock.monotonic() < deadline:
        clock.pause(clock.every_s)
        task = airflow.tasks(question.dag_id, question.run_id).get(question.task_id)
        if task is None or task.state not in _GOING:
            return None
        if task.state == "awaiting_input":
            # An answer may come before the step has settled down to wait.
            open_ones = questions_of(airflow, question.dag_id, question.run_id)
            if any(each.task_id == question.task_id for each in open_ones):
                return _why_again(airflow, question, task)
    return None


def _why_again(airflow: Airflow, question: Question, task: Task) -> str:
    said = [str(each.get("event")) for each in airflow.log(question.dag_id, question.run_id, task)]
    refused = [each for each in said if each.startswith(_NOT_TAKEN)]
    return plain(refused[-1]) if refused else "it failed again or that was not taken; its log says which"
