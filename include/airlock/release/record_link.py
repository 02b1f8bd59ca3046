"""The button *Record* on a verdict: it leads to the record file of what the run released or undid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from include.airlock.model.train import Train


class RecordLink(BaseOperatorLink):
    """Airflow asks it once a verdict has ended, well or not, and keeps the address with the run."""

    name = "Record"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address of the record; of a rollback, that of the release that it undid."""
        from include.airlock.release.run import record_of

        return record_of(operator.service.service, ti_key.run_id)


class RecordOf(BaseOperatorLink):
    """The same for one service of a train, which leaves a record for each."""

    def __init__(self, service: str) -> None:
        self.service = service

    @property
    def name(self) -> str:
        """What the button says."""
        return f"Record of {self.service}"

    @property
    def xcom_key(self) -> str:
        """Where Airflow keeps the address: one for each service."""
        return f"_link_RecordOf_{self.service}"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """See ``RecordLink``."""
        from include.airlock.release.run import record_of

        return record_of(self.service, ti_key.run_id)


def records_of(train: Train | None) -> list[RecordOf]:
    """One button for each service of a train."""
    return [RecordOf(service.service) for service in train.services] if train else []
