"""Unlock a service after a way back: an Airflow DAG whose runs are the record."""

from include.airlock.dag import unlock_dag

dag = unlock_dag(__file__)
