"""How Airflow's runs stand, asked from within a step. What can't be asked is never taken for ended."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from include.airlock.errors import Unreachable

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_NOT_FOUND = 404


def state_of(context: Context, dag: str, run: str) -> str | None:
    """The state of a DAG's run, as ``running``; None where Airflow has no such run any more.

    Airflow's task SDK gives every failure of its server the same error type; only the status code in
    it tells a run that was deleted from a server that can't be asked.

    Raises:
        Unreachable: Airflow could not be asked; the step is tried again.
    """
    from airflow.sdk.exceptions import AirflowRuntimeError

    ti: Any = context["ti"]
    try:
        state: str = ti.get_dagrun_state(dag, run)
    except AirflowRuntimeError as fault:
        if (fault.error.detail or {}).get("status_code") != _NOT_FOUND:
            raise Unreachable(f"Airflow can't say whether {run} of {dag} runs: {fault}") from fault
        log.info("%s: Airflow has no such run of %s any more", run, dag)
        return None
    return state
