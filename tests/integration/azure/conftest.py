"""Releases of payments, rehearsed against the sandbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.rehearsal import Rehearsal, quick, spec

TIMES = {"swap_timeout": timedelta(seconds=8), "swap_settle": timedelta(seconds=1)}
"""The sandbox runs ten times as fast as the cloud."""


@pytest.fixture
def rehearse(connections: None) -> Any:
    """Make a release of payments: ``rehearse(build=…, on_failure=…)``; ``more`` replaces keys of the spec."""

    def make(more: dict[str, Any] | None = None, **conf: Any) -> Rehearsal:
        return Rehearsal.of(quick(spec("payments"), **(TIMES | (more or {}))), **conf)

    return make
