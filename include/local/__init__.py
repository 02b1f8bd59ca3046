"""Everything needed to run Airlock on one machine: database, Airflow, sandbox, demo and figures."""
