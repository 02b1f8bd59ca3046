"""Where record files are kept: written whole, under names of their own, and again when it failed."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.release import record_keeping
from include.airlock.release.ledger import Ledger
from include.airlock.release.record_keeping import NotKept, keep_record, name_of, read, read_file, write
from tests.integration.rehearsal import MemoryStore
from tests.unit.release.test_record_file import plan, release


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the records of this test are kept."""
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", (tmp_path / "records").as_uri())
    return tmp_path / "records"


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(MemoryStore())
    ledger.open(release())
    return ledger


def names(place: Path) -> list[str]:
    """The files of payments."""
    return sorted(path.name for path in (place / "payments").iterdir())


def test_a_record_is_a_file_of_the_service(place: Path, ledger: Ledger) -> None:
    where = keep_record(ledger, "payments", "CHG-1")
    kept = place / "payments" / "CHG-1.yaml"
    assert where == kept.as_uri() and [*kept.parent.iterdir()] == [kept]
    assert yaml.safe_load(kept.read_text(encoding="utf-8"))["release"] == "CHG-1"
    assert read("payments", "CHG-1") == kept.read_text(encoding="utf-8")


def test_where_nothing_is_said_it_is_below_airflows_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    write("payments", "CHG-1", "text")
    assert (tmp_path / "records" / "payments" / "CHG-1.yaml").read_text(encoding="utf-8") == "text"


def test_a_store_of_objects_holds_it_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", "memory://records")
    write("payments", "CHG-1", "one")
    write("payments", "CHG-1", "two")
    assert read("payments", "CHG-1") == "two"
    assert read("payments", "CHG-2") is None


def test_a_writer_that_dies_leaves_the_old_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a record, when its next writing ends before its end, then the old one is there, whole."""
    write("payments", "CHG-1", "old")

    def full(*_: object, **__: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        write("payments", "CHG-1", "new")
    monkeypatch.undo()
    (kept,) = (place / "payments").iterdir()
    assert kept.read_text(encoding="utf-8") == "old"


def test_what_could_not_be_written_is_written_with_the_next(place: Path, ledger: Ledger) -> None:
    # Given a place that can't be written to, when a release ends, then nothing fails
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file where a folder should be", encoding="utf-8")
    assert keep_record(ledger, "payments", "CHG-1") is None
    assert ledger.unwritten() == ["CHG-1"]
    # When the place is mended and another release ends, then both records are written
    place.unlink()
    ledger.open(release(release="CHG-2"))
    assert keep_record(ledger, "payments", "CHG-2")
    assert names(place) == ["CHG-1.yaml", "CHG-2.yaml"]
    assert ledger.unwritten() == []


def test_a_release_that_was_forgotten_meanwhile_is_owed_no_more(place: Path, ledger: Ledger) -> None:
    ledger.note_unwritten("CHG-0")
    assert keep_record(ledger, "payments", "CHG-1")
    assert ledger.unwritten() == [] and names(place) == ["CHG-1.yaml"]


def test_a_plan_that_the_ledger_forgot_since_stays_in_the_file(place: Path, ledger: Ledger) -> None:
    """Given a kept record, when its plan is forgotten and it is written again, then the plan stays."""
    known = plan()
    ledger.save_plan(known)
    ledger.save_header(release(plan=known.hash))
    keep_record(ledger, "payments", "CHG-1")
    ledger._store.delete(f"plan/{known.hash}")
    ledger.save_header(release(plan=known.hash, sentence="undone"))
    keep_record(ledger, "payments", "CHG-1")
    kept = read_file("payments", "CHG-1")
    assert kept is not None and kept.plan is not None
    assert kept.said == "undone" and [call.call for call in kept.plan.calls] == ["slotsswap"]


RUN_IDS = st.text(min_size=1, max_size=250)


@given(RUN_IDS)
def test_a_name_stays_in_its_folder(run_id: str) -> None:
    name = name_of(run_id)
    assert Path(name).name == name and not name.startswith(".") and len(name) < 140
    assert name.isascii() and name.endswith(".yaml")


@given(RUN_IDS, RUN_IDS)
def test_two_releases_have_two_names(one: str, other: str) -> None:
    assert (name_of(one) == name_of(other)) is (one == other)


@pytest.mark.parametrize(
    ("run_id", "name"),
    [("CHG-1", "CHG-1.yaml"), ("a/b", "a_b-c14cddc0.yaml"), ("../x", "_._x-"), (".x", "_x-")],
)
def test_names_are_those_of_the_runs(run_id: str, name: str) -> None:
    assert name_of(run_id).startswith(name)


def test_no_trouble_of_a_store_is_raised(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", "nosuchstore://x")
    assert keep_record(ledger, "payments", "CHG-1") is None
    assert ledger.unwritten() == ["CHG-1"]
    with pytest.raises(NotKept, match="nosuchstore"):
        read("payments", "CHG-1")


def test_a_store_that_does_not_answer_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    """Given a store that hangs, when a release ends, then after a while it goes on without its file."""
    answers = Event()
    monkeypatch.setattr(record_keeping, "WRITE_S", 0.05)
    monkeypatch.setattr(record_keeping, "write", lambda *_: answers.wait(30))
    ledger.note_unwritten("CHG-0")
    assert keep_record(ledger, "payments", "CHG-1") is None
    assert ledger.unwritten() == ["CHG-0", "CHG-1"]
    answers.set()


def test_a_record_that_can_t_be_made_fails_no_release(place: Path, ledger: Ledger) -> None:
    """Given a plan that this version can't read, when the release ends, then only its record is owed."""
    ledger.save_header(release(plan="abc"))
    ledger._store.set("plan/abc", {"hash": 1})
    assert keep_record(ledger, "payments", "CHG-1") is None
    assert ledger.unwritten() == ["CHG-1"]
