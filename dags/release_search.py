"""Release search, from one target group to the other: an Airflow DAG made from services/search.yaml."""

from include.airlock.dag import release_dag

dag = release_dag(__file__)
