"""What a release asks people, by Airflow's human-in-the-loop routes: read, and answered."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from include.airlock.cli.airflow import PAGE, Airflow
from include.airlock.cli.ending import CannotGoOn, Exit
from include.airlock.cli.facts import Question
from include.airlock.cli.text import plain
from include.airlock.cli.wire import Refused

ANY = "~"
"""Any DAG, or any run of one, in a path of Airflow's."""


class AlreadyAnswered(Exception):
    """Somebody has answered that question (409)."""


def questions_of(airflow: Airflow, dag_id: str, run_id: str | None = None) -> list[Question]:
    """What waits for an answer in one run, or in all runs of a DAG; the oldest first.

    Raises:
        CannotGoOn: Airflow did not tell.
    """
    from airflow_client.client.api.task_instance_api import TaskInstanceApi

    try:
        found = airflow.wire.ask(
            lambda client, **how: TaskInstanceApi(client).get_hitl_details_without_preload_content(
                dag_id,
                run_id or ANY,
                response_received=False,
                state=["awaiting_input"],
                order_by=["created_at"],
                limit=PAGE,
                **how,
            )
        )
    except Refused as error:
        whose = "all DAGs; name a service" if dag_id == ANY else dag_id
        raise error.to(f"read the questions of {whose}") from None
    return [Question.of(each) for each in found["hitl_details"]]


def answer(airflow: Airflow, question: Question, option: str, texts: Mapping[str, Any]) -> None:
    """Answer a question; ``texts`` go with the answer, by the names of its fields.

    Raises:
        AlreadyAnswered: somebody was quicker.
        CannotGoOn: Airflow did not take it, and says why.
    """
    from airflow_client.client.api.task_instance_api import TaskInstanceApi
    from airflow_client.client.models.update_hitl_detail_payload import UpdateHITLDetailPayload

    body = UpdateHITLDetailPayload(chosen_options=[option], params_input=dict(texts))
    where = (question.dag_id, question.run_id, question.task_id, question.map_index)
    try:
        airflow.wire.ask(
            lambda client, **how: TaskInstanceApi(client).update_hitl_detail_without_preload_content(
                *where, body, **how
            )
        )
    except Refused as error:
        if error.status == HTTPStatus.CONFLICT:
            raise AlreadyAnswered(question.task_id) from None
        if error.status == HTTPStatus.FORBIDDEN and question.users and "not a respondent" in error.detail:
            names = ", ".join(plain(each, 80) for each in question.users)
            raise CannotGoOn(
                f"only {names} may answer {question.task_id} of {question.run_id}", Exit.NO_AIRFLOW
            ) from None
        raise error.to(f"answer {question.task_id} of {question.run_id}") from None
