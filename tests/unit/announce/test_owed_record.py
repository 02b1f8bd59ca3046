"""A record file that could not be written is written by ``airlock_tell_again`` as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.airlock.announce.operators import TellAgainOperator
from tests.unit.announce.test_refusal import SERVICE, Run
from tests.unit.release.test_record_file import release


def test_an_owed_record_is_written_when_it_is_told_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a release whose record could not be written
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", tmp_path.as_uri())
    run = Run(monkeypatch)
    run.ledger.open(release())
    run.ledger.note_unwritten("CHG-1")
    # When it is told again / Then its record is there, and owed no more
    again = TellAgainOperator(task_id="tell", services=(SERVICE,))
    again.execute(run.context(service="payments", release="CHG-1"))
    assert (tmp_path / "payments" / "CHG-1.yaml").is_file() and run.ledger.unwritten() == []
