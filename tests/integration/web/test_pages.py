"""The pages in Airflow's API server: who may ask, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from include.airlock.model.record import Outcome, Phase
from include.airlock.release.ledger import Ledger, Lock, RollbackEntry
from include.airlock.release.record_file import record_file_of
from include.airlock.release.record_keeping import keep_record
from include.airlock.release.record_text import render
from tests.integration.web.conftest import TableStore, token
from tests.unit.release.test_record_file import NEW, at, region, release

STATUS = "/airlock/releases/payments/CHG-1"
RECORD = f"{STATUS}/record"

Get = Callable[..., Any]


@pytest.mark.parametrize("path", [STATUS, RECORD, "/airlock/releases/NO/CHG-1"])
def test_nobody_unknown_is_answered(web: Any, ledger: Ledger, path: str) -> None:
    ledger.open(release())
    # Given no token, a cookie that is none, or a token that has expired
    for headers in (
        {},
        {"Cookie": "_token=x"},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {token('admin', seconds=-60)}"},
    ):
        # Then the answer is a refusal, and says nothing of the release
        answer = web.get(path, headers=headers)
        assert answer.status_code in (401, 403) and NEW not in answer.text
    assert web.get(path).status_code == 401


def test_a_token_in_the_address_counts_for_nothing(web: Any, ledger: Ledger) -> None:
    ledger.open(release())
    assert web.get(f"{RECORD}?token={token('admin')}&access_token={token('admin')}").status_code == 401


def test_somebody_without_the_right_to_read_the_dag_is_refused(get: Get, ledger: Ledger) -> None:
    ledger.open(release())
    for path in (STATUS, RECORD):
        answer = get(path, role=None)
        assert answer.status_code == 403 and NEW not in answer.text


def test_the_right_that_counts_is_that_on_the_services_own_dag(
    get: Get, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a user who may read one DAG alone, then only that service is told, whatever else is asked for."""
    from airflow.api_fastapi.app import get_auth_manager

    ledger.open(release())
    asked = []

    def allowed(*, details: Any, access_entity: Any, method: str, **_: Any) -> bool:
        asked.append((method, access_entity.value, details.id))
        return bool(details.id == "release_catalog")

    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", allowed)
    assert get(f"{STATUS}?dag_id=release_catalog").status_code == 403
    assert get("/airlock/releases/catalog/CHG-1").status_code == 404
    assert asked == [("GET", "RUN", "release_payments"), ("GET", "RUN", "release_catalog")]


def test_a_person_who_is_not_signed_in_is_sent_to_the_door(web: Any) -> None:
    answer = web.get(RECORD, headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(
        "/api/v2/auth/login?next=%2Fairlock%2Freleases%2Fpayments%2FCHG-1%2Frecord"
    )


@pytest.mark.parametrize("path", ["/airlock/openapi.json", "/airlock/docs", "/airlock/redoc", "/airlock/"])
def test_there_is_nothing_else(web: Any, path: str) -> None:
    assert web.get(path).status_code == 404


def test_it_says_whether_it_is_released_where_and_since_when(get: Get, ledger: Ledger) -> None:
    ledger.open(release())
    answer = get(STATUS)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert (said["released"], said["since"], said["outcome"]) == (True, at(6), "released")
    assert [(each["name"], each["build"], each["since"]) for each in said["regions"]] == [
        ("westeurope", NEW, at(6))
    ]
    assert said["record"].endswith(RECORD) and said["locked"] is None


def test_it_says_that_the_service_is_locked(get: Get, ledger: Ledger) -> None:
    ledger.open(release(outcome=Outcome.HALTED))
    ledger.set_lock(Lock(kind="in_flight", reason="in doubt", release="CHG-1", at=at(1)))
    said = get(STATUS).json()
    assert said["released"] is False and said["locked"]["reason"] == "in doubt"


def test_a_run_that_waits_is_told_as_queued(get: Get, store: TableStore, run: Callable[..., None]) -> None:
    run("CHG-1", "queued")
    said = get(STATUS).json()
    assert (said["outcome"], said["released"], said["opens_at"]) == (
        "queued", False, "2026-11-21T20:00:00+00:00",
    )  # fmt: skip


def test_a_release_that_was_cut_off_is_not_told_as_running(
    get: Get, ledger: Ledger, run: Callable[..., None]
) -> None:
    """Given a run that a person marked as failed, then whoever waits for its end hears of it."""
    ledger.open(release(region(phase=Phase.CHANGING), outcome=Outcome.RUNNING, sentence=None))
    run("CHG-1", "failed")
    said = get(STATUS).json()
    assert said["outcome"] == "halted" and "westeurope" in said["sentence"]


def test_the_record_is_shown_as_text_and_nothing_else(get: Get, ledger: Ledger) -> None:
    ledger.open(release(reason="<script>alert(1)</script>"))
    answer = get(RECORD, Accept="text/html")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    file = record_file_of(ledger, "CHG-1")
    assert file is not None and answer.text == render(file)


def test_a_run_of_the_rollback_leads_to_what_it_undid(get: Get, ledger: Ledger) -> None:
    ledger.open(release())
    ledger.save_rollback(RollbackEntry(run="back-1", release="CHG-1"))
    answer = get("/airlock/releases/payments/back-1/record")
    assert yaml.safe_load(answer.text)["release"] == "CHG-1"


@pytest.mark.parametrize("dag", ["release_payments", "rollback_payments"])
def test_what_could_not_even_begin_says_why(get: Get, ledger: Ledger, dag: str) -> None:
    """Given a run whose params were no change request, or a refused rollback, then the reason is told."""
    why = "unknown key 'region'; did you mean 'regions'?"
    ledger.save_refusal(release(dag=dag, regions=[], outcome=Outcome.REFUSED, sentence=why))
    said = get(STATUS).json()
    assert (said["outcome"], said["sentence"], said["released"]) == ("refused", why, False)
    assert said["record"].endswith(RECORD)
    assert yaml.safe_load(get(RECORD).text)["said"] == why


def test_what_the_ledger_has_forgotten_is_read_where_it_is_kept(
    get: Get, ledger: Ledger, store: TableStore, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", tmp_path.as_uri())
    ledger.open(release())
    keep_record(ledger, "payments", "CHG-1")
    before = get(RECORD).text
    store.delete("release/CHG-1")
    assert get(RECORD).text == before
    assert get(STATUS).json()["released"] is True


@pytest.mark.parametrize("path", [STATUS, RECORD, "/airlock/releases/payments/CHG-1%2F..%2F..%2Fetc/record"])
def test_what_is_not_known_is_not_found(get: Get, path: str, store: TableStore) -> None:
    assert get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/airlock/releases/Payments/CHG-1", f"/airlock/releases/{'a' * 41}/CHG-1", f"{STATUS}%20x"]
)
def test_what_can_be_no_name_is_refused(get: Get, path: str) -> None:
    assert get(path).status_code == 422


def test_a_place_that_cant_be_read_is_said_without_its_address(
    get: Get, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", "nosuchstore://secret-place")
    answer = get(RECORD)
    assert answer.status_code == 503 and "secret" not in answer.text


def test_the_pages_never_write(ledger: Ledger) -> None:
    from airflow.utils.session import create_session

    from include.airlock.web.store import ReadOnly, ReadStore

    with create_session() as session:
        store = ReadStore(session, "payments")
        with pytest.raises(ReadOnly):
            store.set("lock", {})
        with pytest.raises(ReadOnly):
            store.delete("lock")
