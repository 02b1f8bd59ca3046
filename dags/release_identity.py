"""Release identity, one region at a time: an Airflow DAG made from services/identity.yaml."""

from include.airlock.dag import release_dag

dag = release_dag(__file__)
