"""What is told of windows: who waits until when, what is overridden, a start with nothing to do."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from include.airlock.announce import operators, rendering, wording
from include.airlock.announce.operators import TellOperator
from include.airlock.announce.told import Kind, Pending
from include.airlock.announce.webhook import payload
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.loading import parse_service
from include.airlock.model.record import Outcome, Phase, RegionRecord, ReleaseRecord
from include.airlock.release import in_turn, window_gate
from include.airlock.release.ledger import Ledger
from include.airlock.release.run import ReleaseRun
from tests.unit.announce.releases import region, release
from tests.unit.model.specs import SMALLEST
from tests.unit.release.test_ledger import Store

WAITING = f"""\
{SMALLEST}windows:
  - days: [tuesday]
    opens: 20:00
    closes: 22:00
    time_zone: UTC
when_closed: wait
"""


def shown(record: ReleaseRecord) -> str:
    return str(rendering.headline(record).blocks)


def test_a_region_says_until_when_it_waits() -> None:
    record = release(region("west", waits_until="2026-11-24T20:00:00+00:00"))
    for text in (shown(record), wording.summary(record)):
        assert "west* waits for its window until 2026-11-24 20:00 UTC" in text or "west: waits for" in text
    # When it goes on / Then it says so no more
    assert "waits" not in wording.region_state(record, region("west", Phase.CHANGING))[1]


def test_a_region_that_no_window_let_start_says_why() -> None:
    north = region("north", closed="outside the windows: …; it can start next at 2026-12-01 20:00 UTC")
    record = release(region("west", Phase.ACCEPTED), north, outcome=Outcome.HALTED)
    assert wording.region_state(record, north) == ("⚪", f"not touched · {north.closed}")


def test_an_override_is_shown_everywhere_and_escaped() -> None:
    record = release(region("west"), window_override="urgent <!channel>")
    assert "Windows and freezes are overridden: urgent &lt;!channel&gt;" in shown(record)
    assert "windows and freezes are overridden: urgent" in wording.summary(record)
    sent = payload(record, Pending(kind=Kind.HEADLINE, mark="headline"))
    assert sent["window_override"] == "urgent <!channel>"


def test_nothing_to_release_is_told_as_that() -> None:
    why = "staging and production hold 2026.11.1 in west"
    record = release(region("west", Phase.NOT_ASKED), outcome=Outcome.NOTHING, sentence=why, nothing=why)
    assert wording.ending(record) == f"💤 payments 2026.11.2 was not needed: {why}"
    assert wording.progress(record) == "no region was to be changed"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ReleaseRun:
    """A release that was started on the Friday before its window."""
    monkeypatch.setattr(window_gate, "_now", lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
    service = parse_service(WAITING, name="payments.yaml")
    store: Any = Store()
    ledger = Ledger(store)
    header: dict[str, Any] = {"release": "r", "dag": "d", "service": "payments", "build": "2"}
    ledger.open(
        ReleaseRecord(**header, on_failure="halt", started_at="t", regions=[RegionRecord(name="westeurope")])
    )
    return ReleaseRun(service, ChangeRequest.of(service, {"build": "2"}), ledger, "r")


def told(run: ReleaseRun, monkeypatch: pytest.MonkeyPatch) -> list[ReleaseRecord]:
    """What a tell step tells."""
    found: list[ReleaseRecord] = []
    monkeypatch.setattr(operators, "tell_all", lambda service, record, store: found.append(record) or [])
    monkeypatch.setattr(in_turn, "before", lambda *_: None)
    context: Any = {"ti": SimpleNamespace(get_dr_count=lambda **_: 0)}
    TellOperator(task_id="tell", service=run.service).told(run, context)
    return found


def test_a_tell_says_that_the_next_region_will_wait(run: ReleaseRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tells while a region waits, so who tells before says it, once."""
    text = (
        "westeurope waits for its window until 2026-11-24 20:00 UTC: "
        "outside the windows: tuesday 20:00–22:00 UTC"
    )
    assert [record.warnings for record in told(run, monkeypatch)] == [[text]]
    record = run.record()
    record.warnings = [text]
    run.ledger.save_header(record)
    assert [record.warnings for record in told(run, monkeypatch)] == [[text]]


def test_where_there_is_nothing_to_release_only_the_end_is_told(
    run: ReleaseRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.ledger.save_header(run.record().model_copy(update={"nothing": "all is there"}))
    assert told(run, monkeypatch) == []
