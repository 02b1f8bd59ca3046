"""Registers Airlock with Airflow; everything else lives under include/ (see plugins/.airflowignore)."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from include.airlock.timetable import ReleaseWindow


class AirlockPlugin(AirflowPlugin):
    """The timetable of release windows; operators, hooks and triggers are imported where they are used."""

    name = "airlock"
    timetables = [ReleaseWindow]
