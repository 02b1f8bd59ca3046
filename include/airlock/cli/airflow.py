"""Airflow by its REST API v2, through ``apache-airflow-client``; its errors become plain sentences.

The client is imported when Airflow is first asked: its generated models cost a second, which no
command should pay that doesn't need them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from include.airlock.cli.access import Access
from include.airlock.cli.ending import CannotGoOn, Exit, bad_input
from include.airlock.cli.text import plain
from include.airlock.model.wording import nearest

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

TIMEOUT_S = (5.0, 30.0)
"""Seconds to connect, and to answer."""
PAGE = 100
"""Airflow's own upper limit for a page (``[api] maximum_page_limit``)."""
_INVALID_TOKEN = "Invalid JWT token"
ENDED = frozenset({"success", "failed"})


class Unreachable(CannotGoOn):
    """No answer, or a gateway's; asking again may help."""

    def __init__(self, text: str) -> None:
        super().__init__(text, Exit.NO_AIRFLOW)


class _Answered(Exception):
    """Airflow refused; ``detail`` are its own words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class AlreadyThere(Exception):
    """A run of that id exists (409)."""


@dataclass(frozen=True)
class Run:
    """A DAG run: its state is ``queued``, ``running``, ``success`` or ``failed``; times are aware."""

    dag_id: str
    run_id: str
    state: str
    conf: Mapping[str, Any]
    run_after: datetime
    start: datetime | None
    end: datetime | None
    by: str | None

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in ENDED


@dataclass(frozen=True)
class Task:
    """The latest try of one step of one run; ``state`` is None before the scheduler looked at it."""

    task_id: str
    state: str | None
    start: datetime | None = None
    end: datetime | None = None
    tries: int = 0


@dataclass(frozen=True)
class DagFacts:
    """What Airflow knows of a DAG: the schema of each param, and whether it is paused."""

    dag_id: str
    params: Mapping[str, Mapping[str, Any]]
    paused: bool

    def choices(self, param: str) -> tuple[str, ...]:
        """What a param may hold, in the order of the spec; empty where anything may."""
        schema = self.params.get(param, {})
        items = schema.get("items")
        chosen = (items if isinstance(items, Mapping) else schema).get("enum") or ()
        return tuple(str(each) for each in chosen)


@dataclass
class Airflow:
    """One Airflow, one user; a token that was fetched with a password is fetched again when it expires."""

    access: Access
    _client: Any = field(default=None, init=False, repr=False)

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
            found = self._ask(
                lambda client, **how: DagRunApi(client).trigger_dag_run_without_preload_content(
                    dag_id, body, **how
                )
            )
        except _Answered as error:
            if error.status == HTTPStatus.CONFLICT:
                raise AlreadyThere(run_id) from None
            if error.status == HTTPStatus.NOT_FOUND:
                raise self.no_such_dag(dag_id) from None
            raise self._refusal(error, f"start {dag_id}") from None
        except Unreachable:
            # The answer may be lost, and the run be there: the id tells.
            known = self.find(dag_id, run_id) if run_id else None
            if known is None:
                raise
            return known
        return _run(found)

    def find(self, dag_id: str, run_id: str) -> Run | None:
        """A run by its id; None when there is none.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.dag_run_api import DagRunApi

        try:
            return _run(
                self._ask(
                    lambda client, **how: DagRunApi(client).get_dag_run_without_preload_content(
                        dag_id, run_id, **how
                    )
                )
            )
        except _Answered as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise self._refusal(error, f"read the run {run_id} of {dag_id}") from None

    def runs(
        self, dag_id: str, *, limit: int = 1, state: Iterable[str] = (), missing_ok: bool = False
    ) -> list[Run]:
        """The latest runs of a DAG, the newest first; with ``state``, of these states only.

        Raises:
            CannotGoOn: there is no such DAG (unless ``missing_ok``), or Airflow did not tell.
        """
        from airflow_client.client.api.dag_run_api import DagRunApi

        wanted = list(state) or None
        try:
            found = self._ask(
                lambda client, **how: DagRunApi(client).get_dag_runs_without_preload_content(
                    dag_id, order_by=["-run_after"], limit=limit, state=wanted, **how
                )
            )
        except _Answered as error:
            if error.status == HTTPStatus.NOT_FOUND and missing_ok:
                return []
            if error.status == HTTPStatus.NOT_FOUND:
                raise self.no_such_dag(dag_id) from None
            raise self._refusal(error, f"read the runs of {dag_id}") from None
        return [_run(each) for each in found["dag_runs"]]

    def tasks(self, dag_id: str, run_id: str) -> dict[str, Task]:
        """The steps of a run, by their ids.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.task_instance_api import TaskInstanceApi

        found: list[Mapping[str, Any]] = []
        total = 1
        while len(found) < total:
            page = self._page_of_tasks(TaskInstanceApi, dag_id, run_id, len(found))
            found += page["task_instances"]
            total = page["total_entries"] if page["task_instances"] else 0
        return {each["task_id"]: _task(each) for each in found}

    def _page_of_tasks(self, api: Any, dag_id: str, run_id: str, offset: int) -> Any:
        try:
            return self._ask(
                lambda client, **how: api(client).get_task_instances_without_preload_content(
                    dag_id, run_id, limit=PAGE, offset=offset, **how
                )
            )
        except _Answered as error:
            raise self._refusal(error, f"read the steps of {run_id}") from None

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        """What a step left under a key; None when it left nothing.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.x_com_api import XComApi

        try:
            found = self._ask(
                lambda client, **how: XComApi(client).get_xcom_entry_without_preload_content(
                    dag_id, task_id, run_id, key, deserialize=False, **how
                )
            )
        except _Answered as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise self._refusal(error, f"read what {task_id} left") from None
        return found["value"]

    def last_words(self, dag_id: str, run_id: str, task: Task) -> str | None:
        """The error that ended a step's latest try, as its log has it; None where it has none.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        from airflow_client.client.api.task_instance_api import TaskInstanceApi

        try:
            found = self._ask(
                lambda client, **how: TaskInstanceApi(client).get_log_without_preload_content(
                    dag_id, run_id, task.task_id, task.tries, full_content=True, **how
                )
            )
        except _Answered:
            return None
        errors = [
            error.get("exc_value")
            for entry in found.get("content") or ()
            if isinstance(entry, Mapping)
            for error in entry.get("error_detail") or ()
        ]
        return plain(errors[-1]) if errors and errors[-1] else None

    # --- DAGs

    def dag(self, dag_id: str) -> DagFacts:
        """What Airflow knows of a DAG.

        Raises:
            CannotGoOn: there is none of that name; names the nearest one.
        """
        from airflow_client.client.api.dag_api import DAGApi

        try:
            found = self._ask(
                lambda client, **how: DAGApi(client).get_dag_details_without_preload_content(dag_id, **how)
            )
        except _Answered as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise self.no_such_dag(dag_id) from None
            raise self._refusal(error, f"read {dag_id}") from None
        params = {name: each.get("schema") or {} for name, each in (found.get("params") or {}).items()}
        return DagFacts(dag_id, params, bool(found["is_paused"]))

    def no_such_dag(self, dag_id: str) -> CannotGoOn:
        """Say that a DAG is not there, with the nearest that is."""
        from airflow_client.client.api.dag_api import DAGApi

        prefix, _, service = dag_id.partition("_")
        try:
            found = self._ask(
                lambda client, **how: DAGApi(client).get_dags_without_preload_content(
                    dag_id_prefix_pattern=prefix, limit=PAGE, **how
                )
            )
        except _Answered:
            found = {"dags": []}
        names = [
            each["dag_id"].removeprefix(f"{prefix}_")
            for each in found["dags"]
            if each["dag_id"].startswith(f"{prefix}_")
        ]
        hint = nearest(service, names) if names else "is its file deployed, and may you see it?"
        return bad_input(f"Airflow has no DAG {plain(dag_id)}; {hint}")

    # --- the wire

    def _ask(self, call: Callable[..., BaseHTTPResponse]) -> Any:
        """Send one call and return its JSON.

        Raises:
            Unreachable: there is no answer, or a gateway's.
            CannotGoOn: the answer is not Airflow's, or it does not know this user.
            _Answered: Airflow refused it.
        """
        fetched = self._client is None
        answer = self._send(call)
        if _refuses_token(answer) and not fetched and self.access.password is not None:
            # A token lives for a day, a watch may be longer; an Airflow that was restarted may know none.
            self._client = None
            answer = self._send(call)
        return self._json(answer)

    def _send(self, call: Callable[..., BaseHTTPResponse]) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError, LocationValueError

        try:
            if self._client is None:
                self._client = self._connect()
            answer = call(self._client, _request_timeout=TIMEOUT_S)
            answer.data  # noqa: B018 - reads it all, here, where a lost connection is caught
        except (HTTPError, LocationValueError) as error:
            raise Unreachable(f"no answer from Airflow at {self.access.url}: {_reason(error)}") from None
        return answer

    def _connect(self) -> Any:
        """A client with a token.

        Raises:
            CannotGoOn: no token is given for this user and password.
        """
        from airflow_client.client.api_client import ApiClient
        from airflow_client.client.configuration import Configuration
        from urllib3.util import Retry

        # A redirect is not followed: it would take a password along. Requests that change something are
        # repeated only while no connection was made.
        retries = Retry(connect=2, read=2, redirect=False, status=0, other=0, backoff_factor=0.2)
        settings = Configuration(host=self.access.url, ssl_ca_cert=self.access.ca_file, retries=retries)
        client: Any = ApiClient(settings)
        token = self.access.token
        if token is None:
            token = self._fetch_token(client)
        client.set_default_header("Authorization", f"Bearer {token}")
        return client

    def _fetch_token(self, client: Any) -> str:
        """A token for the user, of Airflow's simple auth manager or of FAB: both have this path."""
        body = {"username": self.access.user, "password": self.access.password}
        answer = client.rest_client.request(
            "POST",
            f"{self.access.url}/auth/token",
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=body,
            _request_timeout=TIMEOUT_S,
        )
        answer.read()
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
            raise CannotGoOn(
                f"{self.access.url} gives no tokens for passwords at /auth/token; is it Airflow 3? "
                "Otherwise get a token from its auth manager and set AIRLOCK_TOKEN",
                Exit.NO_AIRFLOW,
            )
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST):
            raise CannotGoOn(
                f"Airflow does not know {plain(self.access.user)} with this password; see AIRLOCK_USER and "
                "AIRLOCK_PASSWORD_FILE",
                Exit.NO_AIRFLOW,
            )
        found = self._json(answer.response)
        if not isinstance(found, Mapping) or not isinstance(found.get("access_token"), str):
            raise CannotGoOn(f"what answers at {self.access.url} is not Airflow 3", Exit.NO_AIRFLOW)
        return str(found["access_token"])

    def _json(self, answer: BaseHTTPResponse) -> Any:
        status = answer.status
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(
                f"Airflow at {self.access.url} answered {status}; its API server's log says why"
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            where = plain(answer.headers.get("Location", "elsewhere"), 200)
            raise bad_input(f"{self.access.url} redirects to {where}; give Airflow's own address")
        try:
            found = json.loads(answer.data)
        except ValueError:
            found = None
        if status >= HTTPStatus.BAD_REQUEST:
            detail = found.get("detail") if isinstance(found, Mapping) else None
            raise _Answered(status, _in_words(detail))
        if not isinstance(found, Mapping):
            raise CannotGoOn(f"what answers at {self.access.url} is not Airflow 3", Exit.NO_AIRFLOW)
        return found

    def _refusal(self, error: _Answered, what: str) -> CannotGoOn:
        """Airflow's refusal in words, with what to do about it."""
        if error.status == HTTPStatus.UNAUTHORIZED or _INVALID_TOKEN in error.detail:
            return CannotGoOn(
                "Airflow does not accept the token: it is wrong or has expired", Exit.NO_AIRFLOW
            )
        if error.status == HTTPStatus.FORBIDDEN:
            return CannotGoOn(f"this user may not {what}; ask who gives out Airflow's roles", Exit.NO_AIRFLOW)
        if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
            return bad_input(f"Airflow refused to {what}: {error.detail}")
        return CannotGoOn(f"Airflow can't {what}: {error.status} {error.detail}", Exit.NO_AIRFLOW)


def _refuses_token(answer: BaseHTTPResponse) -> bool:
    """Whether the token was refused: Airflow answers 401 for one that has expired, 403 for any other."""
    forbidden = answer.status == HTTPStatus.FORBIDDEN and _INVALID_TOKEN.encode() in answer.data
    return forbidden or answer.status == HTTPStatus.UNAUTHORIZED


def _in_words(detail: object) -> str:
    """Airflow's ``detail``: a sentence, or the list of FastAPI's validation with a place for each fault."""
    if isinstance(detail, list):
        faults = [each for each in detail if isinstance(each, Mapping)]
        return plain("; ".join(f"{_place(each)}: {each.get('msg')}" for each in faults))
    return plain(detail if detail is not None else "it did not say why")


def _place(fault: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in fault.get("loc") or () if part != "body")


def _reason(error: Exception) -> str:
    """The innermost reason of a lost connection, without the addresses of objects."""
    inner: Any = error
    while isinstance(getattr(inner, "reason", None), Exception):
        inner = inner.reason
    text = plain(inner, 300)
    return text.rpartition(": ")[2] if "object at 0x" in text else text


def _run(found: Mapping[str, Any]) -> Run:
    after = _at(found["run_after"])
    assert after is not None, "Airflow's runs all have it"
    return Run(
        dag_id=found["dag_id"],
        run_id=found["dag_run_id"],
        state=found["state"],
        conf=found.get("conf") or {},
        run_after=after,
        start=_at(found.get("start_date")),
        end=_at(found.get("end_date")),
        by=found.get("triggering_user_name"),
    )


def _task(found: Mapping[str, Any]) -> Task:
    return Task(
        found["task_id"],
        found.get("state"),
        _at(found.get("start_date")),
        _at(found.get("end_date")),
        int(found.get("try_number") or 0),
    )


def _at(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written).astimezone(UTC) if written else None
