"""Who may ask: Airflow's own authentication, and the right to read the service's DAG.

Airflow authenticates no mounted application (airflow/api_fastapi/app.py, ``init_plugins``), so this is
put on the router, where no route can be without it.
"""

from __future__ import annotations

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Path, Request

ServiceName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
RunId = Annotated[str, Path(min_length=1, max_length=250, pattern=r"^[A-Za-z0-9_.~:+-]+$")]
"""As Airflow allows them (``[scheduler] allowed_run_id_pattern``)."""


def may_read(service: ServiceName, request: Request, user: GetUserDep) -> None:
    """The caller is known, and may read the runs of ``release_<service>``.

    Raises:
        HTTPException: 401 nobody is known by that token, 403 not allowed.
    """
    entitled = requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=f"release_{service}")
    entitled(request, user)
