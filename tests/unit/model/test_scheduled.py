"""``when_closed``, ``scheduled`` and ``window_override``: what is taken and what is refused."""

from __future__ import annotations

import pytest

from include.airlock.errors import RequestError
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.form import params_schema
from include.airlock.model.service import SlotSwapService
from include.airlock.model.service_base import WhenClosed
from tests.unit.model.faults import faults
from tests.unit.model.specs import BLUE_GREEN, ROLLING, SMALLEST, changed, service

WINDOWS = """\
windows:
  - days: [tuesday]
    opens: 20:00
    closes: 22:00
    time_zone: Europe/London
"""
FREEZES = """\
freezes:
  - dates: [12-24]
    time_zone: Europe/London
    reason: Christmas
"""
SCHEDULED = "scheduled:\n  build: staging\n"
OWN_FREEZE = """\
    app: payments-westeurope
    freezes:
      - dates: [12-24]
        time_zone: Europe/London
        reason: Christmas
"""


def test_a_closed_window_stops_unless_the_spec_says_wait() -> None:
    assert service(SMALLEST + WINDOWS).when_closed is WhenClosed.STOP
    assert service(f"{SMALLEST}{WINDOWS}when_closed: wait\n").when_closed is WhenClosed.WAIT


@pytest.mark.parametrize("strategy", [ROLLING, BLUE_GREEN], ids=["rolling", "blue_green"])
def test_every_strategy_has_windows_and_only_slots_can_be_scheduled(strategy: str) -> None:
    assert service(f"{strategy}{WINDOWS}when_closed: wait\n").has_windows
    assert service(strategy).scheduled is None
    (fault,) = faults(f"{strategy}{WINDOWS}{SCHEDULED}")
    assert "'scheduled' is only for the strategy 'slot_swap'" in fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{SMALLEST}when_closed: wait\n", "when_closed: says nothing without windows or freezes"),
        (f"{SMALLEST}{WINDOWS}when_closed: later\n", "when_closed: "),
        (f"{SMALLEST}{SCHEDULED}", "scheduled: needs windows; westeurope has none that opens"),
        (f"{SMALLEST}{FREEZES}{SCHEDULED}", "scheduled: needs windows"),
        (f"{SMALLEST}{WINDOWS}scheduled:\n  build: latest\n", "scheduled.build: "),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    (fault,) = faults(text)
    assert said in fault


def test_a_schedule_goes_by_the_first_region_s_own_windows() -> None:
    own = "    app: payments-westeurope\n    " + WINDOWS.replace("\n", "\n    ").rstrip(" ")
    spec = service(changed("    app: payments-westeurope\n", own) + SCHEDULED)
    assert isinstance(spec, SlotSwapService) and spec.scheduled is not None


@pytest.mark.parametrize(
    "text", [SMALLEST + WINDOWS, SMALLEST + FREEZES, changed("    app: payments-westeurope\n", OWN_FREEZE)]
)
def test_an_override_is_for_what_can_be_closed(text: str) -> None:
    """Given windows or freezes anywhere, then the form asks why they should not hold."""
    payments = service(text)
    assert payments.has_windows
    assert "window_override" in params_schema(payments)
    asked = ChangeRequest.of(payments, {"build": "1", "window_override": "  urgent \n"})
    assert asked.window_override == "urgent"
    assert ChangeRequest.of(payments, {"build": "1", "window_override": " "}).window_override is None


def test_an_override_of_nothing_is_refused() -> None:
    assert "window_override" not in params_schema(service())
    with pytest.raises(
        RequestError, match="window_override: the spec of this service has no windows or freezes"
    ):
        ChangeRequest.of(service(), {"build": "1", "window_override": "urgent"})


@pytest.mark.parametrize(
    ("given", "said"), [("x" * 501, "more than 500"), ("a\x1bb", "control characters"), (7, "is not text")]
)
def test_an_override_is_a_reason_like_any_other(given: object, said: str) -> None:
    with pytest.raises(RequestError, match=f"window_override: .*{said}"):
        ChangeRequest.of(service(SMALLEST + WINDOWS), {"build": "1", "window_override": given})
