"""What Airflow's REST API tells, typed: runs, steps, questions, DAGs. Pure readings of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ENDED = frozenset({"success", "failed"})


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

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Run:
        """Read Airflow's ``DAGRunResponse``."""
        after = _at(found["run_after"])
        assert after is not None, "Airflow's runs all have it"
        return cls(
            dag_id=found["dag_id"],
            run_id=found["dag_run_id"],
            state=found["state"],
            conf=found.get("conf") or {},
            run_after=after,
            start=_at(found.get("start_date")),
            end=_at(found.get("end_date")),
            by=found.get("triggering_user_name"),
        )

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in ENDED

    @property
    def only_planned(self) -> bool:
        """Whether it was asked to release nothing: a plan, or a rollback that only says what it would do."""
        return self.conf.get("plan_only") is True or self.conf.get("dry") is True


@dataclass(frozen=True)
class Task:
    """The latest try of one step of one run; ``state`` is None before the scheduler looked at it."""

    task_id: str
    state: str | None
    start: datetime | None = None
    end: datetime | None = None
    tries: int = 0

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Task:
        """Read Airflow's ``TaskInstanceResponse``."""
        return cls(
            found["task_id"],
            found.get("state"),
            _at(found.get("start_date")),
            _at(found.get("end_date")),
            int(found.get("try_number") or 0),
        )


@dataclass(frozen=True)
class Question:
    """What a step asks people: ``options`` are the answers, ``users`` who may give one (empty: anybody).

    ``fields`` are the names of the texts that may go with the answer.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    subject: str
    body: str
    options: tuple[str, ...]
    defaults: tuple[str, ...]
    users: tuple[str, ...]
    fields: tuple[str, ...]
    asked_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Question:
        """Read Airflow's ``HITLDetail``."""
        step = found["task_instance"]
        return cls(
            dag_id=step["dag_id"],
            run_id=step["dag_run_id"],
            task_id=step["task_id"],
            map_index=int(step.get("map_index", -1)),
            subject=found.get("subject") or step["task_id"],
            body=found.get("body") or "",
            options=tuple(found.get("options") or ()),
            defaults=tuple(found.get("defaults") or ()),
            users=tuple(str(each.get("name") or each["id"]) for each in found.get("assigned_users") or ()),
            fields=tuple(found.get("params") or ()),
            asked_at=_at(found.get("created_at")),
        )


@dataclass(frozen=True)
class DagFacts:
    """What Airflow knows of a DAG: the schema of each param, and whether it is paused."""

    dag_id: str
    params: Mapping[str, Mapping[str, Any]]
    paused: bool

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> DagFacts:
        """Read Airflow's ``DAGDetailsResponse``."""
        params = {name: each.get("schema") or {} for name, each in (found.get("params") or {}).items()}
        return cls(found["dag_id"], params, bool(found["is_paused"]))

    def choices(self, param: str) -> tuple[str, ...]:
        """What a param may hold, in the order of the spec; empty where anything may."""
        schema = self.params.get(param, {})
        items = schema.get("items")
        chosen = (items if isinstance(items, Mapping) else schema).get("enum") or ()
        return tuple(str(each) for each in chosen)


def _at(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written).astimezone(UTC) if written else None
