"""Undo the last release of identity in one act: an Airflow DAG made from services/identity.yaml."""

from include.airlock.dag import rollback_dag

dag = rollback_dag(__file__)
