"""What a release is made of, as pure values: no Airflow, no cloud SDK, no clock, no network."""
