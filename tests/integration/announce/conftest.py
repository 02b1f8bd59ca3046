"""Both media of the sandbox, for the tests of announcing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.announce.media import Media, media


@pytest.fixture(name="media")
def _media(monkeypatch: pytest.MonkeyPatch) -> Iterator[Media]:
    with media(monkeypatch) as running:
        yield running
