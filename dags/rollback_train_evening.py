"""Undo the last release of the train evening in one act: an Airflow DAG made from trains/evening.yaml."""

from include.airlock.dag import rollback_train_dag

dag = rollback_train_dag(__file__)
