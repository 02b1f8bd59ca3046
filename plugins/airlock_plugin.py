"""Registers Airlock with Airflow; everything else lives under include/ (see plugins/.airflowignore)."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from include.airlock.timetable import ReleaseWindow
from include.airlock.web.mount import PREFIX, Web


class AirlockPlugin(AirflowPlugin):
    """The timetable of release windows and the pages; all else is imported where it is used."""

    name = "airlock"
    timetables = [ReleaseWindow]
    fastapi_apps = [{"name": "Airlock", "app": Web(), "url_prefix": PREFIX}]
