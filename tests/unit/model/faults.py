"""The faults of a spec, as they are said."""

from __future__ import annotations

import pytest

from include.airlock.errors import SpecError
from include.airlock.model.loading import parse_service


def faults(text: str) -> list[str]:
    """Give the lines of the refusal of ``payments.yaml``, without the file's name."""
    with pytest.raises(SpecError) as refusal:
        parse_service(text, name="payments.yaml")
    return [line.removeprefix("payments.yaml:") for line in str(refusal.value).splitlines()]
