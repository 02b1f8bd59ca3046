"""What the scheduler imports ahead is there: a name that is gone would be passed over without a word."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from include.local import preload


@pytest.mark.parametrize("name", [name for name in preload._MODULES if name.startswith("include.")])
def test_every_module_of_the_project_that_is_named_exists(name: str) -> None:
    assert find_spec(name) is not None
