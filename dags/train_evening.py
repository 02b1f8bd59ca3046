"""Release the train evening, region by region: an Airflow DAG made from trains/evening.yaml."""

from include.airlock.dag import train_dag

dag = train_dag(__file__)
