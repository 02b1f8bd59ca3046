"""Registers Airlock with Airflow; everything else lives under include/ (see plugins/.airflowignore)."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class AirlockPlugin(AirflowPlugin):
    """Nothing needs registering yet: operators, hooks and triggers are imported where they are used."""

    name = "airlock"
