"""Undo the last release of search in one act: an Airflow DAG made from services/search.yaml."""

from include.airlock.dag import rollback_dag

dag = rollback_dag(__file__)
