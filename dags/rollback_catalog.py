"""Undo the last release of catalog in one act: an Airflow DAG made from services/catalog.yaml."""

from include.airlock.dag import rollback_dag

dag = rollback_dag(__file__)
