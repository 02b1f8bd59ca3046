"""Pages of Airflow's API server that answer for a release: is it released, and its record."""
