"""Release checkout, one machine at a time: an Airflow DAG made from services/checkout.yaml."""

from include.airlock.dag import release_dag

dag = release_dag(__file__)
