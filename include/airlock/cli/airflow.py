"""Airflow by its REST API v2, through ``apache-airflow-client``.

The client's modules are imported when Airflow is first asked, and only those that a command uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from include.airlock.cli.access import Access
from include.airlock.cli.ending import CannotGoOn, bad_input
from include.airlock.cli.facts import DagFacts, Run, Task
from include.airlock.cli.text import plain
from include.airlock.cli.wire import Call, Refused, Unreachable, Wire
from include.airlock.model.wording import nearest

PAGE = 100
"""Airflow's own upper limit for a page (``[api] maximum_page_limit``)."""


class AlreadyThere(Exception):
    """A run of that id exists (409)."""


class Airflow:
    """One Airflow as one user sees it."""

    def __init__(self, access: Access) -> None:
        self.wire = Wire(access)
        self._dags: dict[str, DagFacts] = {}

    def _found(self, what: str, call: Call) -> Any:
        """What a call found; None when it is not there.

        Raises:
            CannotGoOn: Airflow did not do ``what``.
        """
        try:
            return self.wire.ask(call)
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise error.to(what) from None

    # --- runs

    def trigger(
        self, dag_id: str, run_id: str | None, conf: Mapping[str, Any], run_after: datetime | None = None
    ) -> Run:
        """Start a run, or queue it until ``run_after``.

        Raises:
            AlreadyThere: a run of that id exists.
            CannotGoOn: Airflow did not accept it, and says why.
        """
        from airflow_client.client.api.dag_run_api import DagRunApi
        from airflow_client.client.models.trigger_dag_run_post_body import TriggerDAGRunPostBody

        body = TriggerDAGRunPostBody(dag_run_id=run_id, conf=dict(conf), run_after=run_after)
        try:
            found = self.wire.ask(
                lambda client, **how: DagRunApi(client).trigger_dag_run_without_preload_content(
                    dag_id, body, **how
                )
            )
        except Refused as error:
            if error.status == HTTPStatus.CONFLICT:
                raise AlreadyThere(run_id) from None
            if error.status == HTTPStatus.NOT_FOUND:
                raise self.no_such_dag(dag_id) from None
            raise error.to(f"start {dag_id}") from None
        except Unreachable:
            # The answer may be lost, and the run be there: the id tells.
            known = self.find(dag_id, run_id) if run_id else None
            if known is None:
                raise
            return known
        return Run.of(found)

    def find(self, dag_id: str, run_id: str) -> Run | None:
        """A run by its id; None when there is none.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.dag_run_api import DagRunApi

        found = self._found(
            f"read the run {run_id} of {dag_id}",
            lambda client, **how: DagRunApi(client).get_dag_run_without_preload_content(
                dag_id, run_id, **how
            ),
        )
        return None if found is None else Run.of(found)

    def runs(
        self, dag_id: str, *, limit: int = 1, state: Iterable[str] = (), missing_ok: bool = False
    ) -> list[Run]:
        """The latest runs of a DAG, the newest first; with ``state``, of these states only.

        Raises:
            CannotGoOn: there is no such DAG (unless ``missing_ok``), or Airflow did not tell.
        """
        from airflow_client.client.api.dag_run_api import DagRunApi

        wanted = list(state) or None
        found = self._found(
            f"read the runs of {dag_id}",
            lambda client, **how: DagRunApi(client).get_dag_runs_without_preload_content(
                dag_id, order_by=["-run_after"], limit=limit, state=wanted, **how
            ),
        )
        if found is None and not missing_ok:
            raise self.no_such_dag(dag_id)
        return [Run.of(each) for each in found["dag_runs"]] if found else []

    # --- steps

    def tasks(self, dag_id: str, run_id: str) -> dict[str, Task]:
        """The steps of a run, by their ids.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        found: list[Mapping[str, Any]] = []
        total = 1
        while len(found) < total:
            page = self._page_of_tasks(dag_id, run_id, len(found))
            found += page["task_instances"]
            total = page["total_entries"] if page["task_instances"] else 0
        return {each["task_id"]: Task.of(each) for each in found}

    def _page_of_tasks(self, dag_id: str, run_id: str, offset: int) -> Any:
        from airflow_client.client.api.task_instance_api import TaskInstanceApi

        try:
            return self.wire.ask(
                lambda client, **how: TaskInstanceApi(client).get_task_instances_without_preload_content(
                    dag_id, run_id, limit=PAGE, offset=offset, **how
                )
            )
        except Refused as error:
            raise error.to(f"read the steps of {run_id}") from None

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        """What a step left under a key; None when it left nothing.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.x_com_api import XComApi

        found = self._found(
            f"read what {task_id} left",
            lambda client, **how: XComApi(client).get_xcom_entry_without_preload_content(
                dag_id, task_id, run_id, key, deserialize=False, **how
            ),
        )
        return None if found is None else found["value"]

    def last_words(self, dag_id: str, run_id: str, task: Task) -> str | None:
        """The error that ended a step's latest try, as its log has it; None where it has none.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        entries = self.log(dag_id, run_id, task)
        errors = [error.get("exc_value") for each in entries for error in each.get("error_detail") or ()]
        return plain(errors[-1]) if errors and errors[-1] else None

    def log(self, dag_id: str, run_id: str, task: Task) -> list[Mapping[str, Any]]:
        """The log of a step's latest try, entry by entry; empty where there is none to be read.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.task_instance_api import TaskInstanceApi

        try:
            found = self.wire.ask(
                lambda client, **how: TaskInstanceApi(client).get_log_without_preload_content(
                    dag_id, run_id, task.task_id, task.tries, full_content=True, **how
                )
            )
        except Refused:
            return []
        return [entry for entry in found.get("content") or () if isinstance(entry, Mapping)]

    # --- DAGs

    def dag(self, dag_id: str) -> DagFacts:
        """What Airflow knows of a DAG.

        Raises:
            CannotGoOn: there is none of that name; names the nearest one.
        """
        found = self.known_dag(dag_id)
        if found is None:
            raise self.no_such_dag(dag_id)
        return found

    def known_dag(self, dag_id: str) -> DagFacts | None:
        """What Airflow knows of a DAG, as it was when first asked; None when there is none of that name.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.dag_api import DAGApi

        if dag_id not in self._dags:
            found = self._found(
                f"read {dag_id}",
                lambda client, **how: DAGApi(client).get_dag_details_without_preload_content(dag_id, **how),
            )
            if found is None:
                return None
            self._dags[dag_id] = DagFacts.of(found)
        return self._dags[dag_id]

    def no_such_dag(self, dag_id: str) -> CannotGoOn:
        """Say that a DAG is not there, with the nearest that is."""
        prefix, _, service = dag_id.partition("_")
        names = self.names(f"{prefix}_")
        hint = nearest(service, names) if names else "is its file deployed, and may you see it?"
        return bad_input(f"Airflow has no DAG {plain(dag_id)}; {hint}")

    def names(self, prefix: str) -> list[str]:
        """What follows a prefix in the ids of the DAGs; nothing where Airflow does not tell."""
        from airflow_client.client.api.dag_api import DAGApi

        try:
            found = self.wire.ask(
                lambda client, **how: DAGApi(client).get_dags_without_preload_content(
                    dag_id_prefix_pattern=prefix, limit=PAGE, **how
                )
            )
        except Refused:
            return []
        ids = [str(each["dag_id"]) for each in found["dags"]]
        return [each.removeprefix(prefix) for each in ids if each.startswith(prefix)]
