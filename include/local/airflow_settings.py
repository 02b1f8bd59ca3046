"""Airflow's settings for a stack on one machine, as environment variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from include.local.home import PROJECT_ROOT, Home, write_private
from include.local.postgres import Postgres
from include.local.preload import SETTINGS

USER = "admin"
# Each LocalExecutor worker is a process; two cores serve no more than these at once.
PARALLELISM = 8


def settings(home: Home, database: Postgres, port: int, dags: Path) -> dict[str, str]:
    """Return the variables (AIRFLOW__SECTION__KEY) for a stack whose API server listens on `port`."""
    kept = home.secrets()
    address = f"http://127.0.0.1:{port}"
    sections = {
        "core": {
            "dags_folder": str(dags),
            "plugins_folder": str(PROJECT_ROOT / "plugins"),
            "load_examples": "False",
            "dags_are_paused_at_creation": "False",
            "executor": "LocalExecutor",
            "parallelism": str(PARALLELISM),
            "fernet_key": kept["fernet_key"],
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": str(home.password_file),
            "execution_api_server_url": f"{address}/execution/",
            # The default looks the machine's name up in DNS, which a laptop may not answer for.
            "hostname_callable": "socket.gethostname",
        },
        "database": {
            "sql_alchemy_conn": database.url("psycopg2"),
            "sql_alchemy_conn_async": database.url("asyncpg"),
        },
        "api": {
            "host": "127.0.0.1",
            "port": str(port),
            "base_url": address,
            "secret_key": kept["secret_key"],
        },
        "api_auth": {"jwt_secret": kept["jwt_secret"]},
        "scheduler": {
            # A step that follows at once starts after 0.2 s instead of 1.1 s.
            "scheduler_idle_sleep_time": "0.1",
            # A killed task is noticed after 20 s instead of 5 minutes.
            "task_instance_heartbeat_timeout": "20",
            "task_instance_heartbeat_timeout_detection_interval": "2",
        },
        # A step's process that has ended with a failure or a skip is noticed after 1 s instead of 5 s, so
        # that a way back begins sooner (airflow/sdk/execution_time/supervisor.py, _monitor_subprocess).
        "workers": {"min_heartbeat_interval": "1"},
        "dag_processor": {"refresh_interval": "10", "min_file_process_interval": "10"},
        "logging": {"colored_console_log": "False"},
    }
    return {
        f"AIRFLOW__{section.upper()}__{key.upper()}": value
        for section, keys in sections.items()
        for key, value in keys.items()
    } | {"AIRFLOW_HOME": str(home.airflow)}


def base_environment() -> dict[str, str]:
    """Return this process's environment, less what would steer Airflow or its clients elsewhere."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW_", "AIRFLOW__"))}
    loopback = "127.0.0.1,localhost"
    no_proxy = ",".join(filter(None, (kept.get("NO_PROXY") or kept.get("no_proxy"), loopback)))
    return kept | {
        "PYTHONPATH": str(PROJECT_ROOT),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def write_local_settings(home: Home) -> None:
    """Let the scheduler import beforehand what its steps need (see `include.local.preload`)."""
    folder = home.airflow / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "airflow_local_settings.py").write_text(SETTINGS, encoding="utf-8")


def write_password_file(home: Home, kept: Mapping[str, str]) -> None:
    """Give Airflow's simple auth manager the password of this home."""
    write_private(home.password_file, json.dumps({USER: kept["password"]}))
