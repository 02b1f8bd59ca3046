"""Undo the last release of payments in one act: an Airflow DAG made from services/payments.yaml."""

from include.airlock.dag import rollback_dag

dag = rollback_dag(__file__)
