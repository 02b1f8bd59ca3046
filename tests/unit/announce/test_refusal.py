"""What could not even begin is told in one message: a release's params, a rollback; no plan, no mere look."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, DagRunTriggerException

from include.airlock.announce import operators
from include.airlock.announce.notifier import NotTold
from include.airlock.announce.operators import TellAgainOperator, TellEndOperator, TellOperator
from include.airlock.announce.rollback import TellBackEndOperator
from include.airlock.errors import Transient
from include.airlock.model.loading import load_service
from include.airlock.release.assets import asset_of
from include.airlock.release.ledger import Ledger, RollbackEntry
from tests.integration.rehearsal import MemoryStore
from tests.unit.announce.media import Channel, Receiver, always

SERVICE = load_service(Path(__file__).resolve().parents[3] / "dags/services/payments.yaml")
MIDDLE = "did you mean 'regions'?"


class Run:
    """A run of the service's release or rollback, and two media that hear of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, dag: str = "release_payments") -> None:
        self.dag, self.ledger = dag, Ledger(store := MemoryStore())
        self.stores = {asset_of("payments"): store}
        self.channel, self.receiver = Channel(), Receiver()
        monkeypatch.setattr(operators, "notifiers_of", lambda _: [self.channel, self.receiver])

    def context(self, **params: Any) -> Any:
        now = datetime.now(UTC)
        dag_run = SimpleNamespace(
            run_id="CHG-7",
            dag_id=self.dag,
            triggering_user_name="ann",
            run_type="manual",
            start_date=now,
            run_after=now,
        )
        ti = SimpleNamespace(get_dagrun_state=lambda *_: "failed", get_dr_count=lambda **_: 0)
        return {"params": params, "dag_run": dag_run, "ti": ti, "asset_state_store": self.stores}

    def tell(self, kind: type[TellOperator], **params: Any) -> Any:
        return kind(task_id="tell", service=SERVICE).execute(self.context(**params))


def test_params_that_can_not_be_used_are_told_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a key that Airflow's form does not know, and so lets pass
    run = Run(monkeypatch)
    asked = {"build": "2026.11.2", "region": ["<!channel>"]}
    # When the run tells its start and its end, twice
    run.tell(TellOperator, **asked)
    run.tell(TellEndOperator, **asked)
    run.tell(TellEndOperator, **asked)
    # Then people and machines hear the refusal once, escaped, and no release is remembered
    (seen,) = run.channel.seen.values()
    assert seen.text.startswith("🚫 payments 2026.11.2 was refused; nothing was touched: ")
    assert "unknown key 'region'" in seen.text and MIDDLE in seen.text
    assert "<!channel>" not in seen.text and seen.loud
    assert run.receiver.got == ["release_payments/CHG-7/ending:1"]
    assert run.ledger.known() == [] and run.ledger.release("CHG-7") is None


def test_a_refused_plan_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch)
    run.tell(TellEndOperator, build="2026.11.2", plan_only=True, region=[])
    assert run.channel.calls == [] and run.receiver.got == []


def test_a_rollback_that_was_refused_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, "rollback_payments")
    run.ledger.save_rollback(RollbackEntry(run="CHG-7", refusal="CHG-9 is running; let it end"))
    run.tell(TellBackEndOperator, reason="too slow")
    (seen,) = run.channel.seen.values()
    assert seen.text == (
        "🚫 payments is not rolled back, though ann asked; nothing was touched: CHG-9 is running; let it end"
    )


@pytest.mark.parametrize(
    ("entry", "params"),
    [
        (RollbackEntry(run="CHG-7", dry=True, refusal="there is nothing to undo"), {"dry": True}),
        (RollbackEntry(run="CHG-7", dry=True, report="at once"), {"dry": True}),
        (None, {"dry": True}),
    ],
)
def test_a_mere_look_is_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch, entry: RollbackEntry | None, params: dict[str, Any]
) -> None:
    run = Run(monkeypatch, "rollback_payments")
    if entry is not None:
        run.ledger.save_rollback(entry)
    with pytest.raises(AirflowSkipException):
        run.tell(TellBackEndOperator, **params)
    assert run.channel.calls == []


def test_a_rollback_whose_look_was_lost_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, "rollback_payments")
    run.tell(TellBackEndOperator, reason="too slow")
    (seen,) = run.channel.seen.values()
    assert "its look did not end; see the step look" in seen.text


def test_what_a_medium_misses_is_told_again_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a medium that is down
    run = Run(monkeypatch)
    run.channel.before = always(lambda: NotTold("down", sure=True), "post ending")
    with pytest.raises(DagRunTriggerException) as started:
        run.tell(TellEndOperator, build="2026.11.2", region=[])
    # When it is told again while it is down, then when it is back
    again = TellAgainOperator(task_id="tell", services=(SERVICE,))
    context = run.context(**started.value.conf)
    with pytest.raises(Transient):
        again.execute(context)
    run.channel.before = lambda _: None
    again.execute(context)
    again.execute(context)
    # Then it was told once, and the other medium heard nothing twice
    assert len(run.channel.seen) == 1 and len(run.receiver.got) == 1
    assert "/" not in started.value.dag_run_id
