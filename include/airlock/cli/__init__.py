"""The command line ``airlock``: releases started, watched and undone from a terminal or a pipeline.

It speaks with Airflow by its REST API alone (``airflow.py``) and reads specs from disk where the
answer needs no Airflow (``window``, ``validate``, ``new``). It imports no Airflow.
"""
