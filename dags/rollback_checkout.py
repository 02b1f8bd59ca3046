"""Undo the last release of checkout in one act: an Airflow DAG made from services/checkout.yaml."""

from include.airlock.dag import rollback_dag

dag = rollback_dag(__file__)
