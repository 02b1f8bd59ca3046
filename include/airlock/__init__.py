"""Airlock: zero-downtime releases, one region at a time, on Apache Airflow."""
