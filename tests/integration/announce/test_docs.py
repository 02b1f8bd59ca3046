"""What docs/announcing.md shows is true: each block of it is used as a reader would."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from include.airlock.announce import slack
from include.airlock.announce.operators import notifiers_of
from include.airlock.announce.told import Kind, Pending
from include.airlock.announce.webhook import payload
from include.airlock.model.record import Phase
from include.airlock.model.service import Announce
from tests.unit.announce.releases import region, release

PAGE = (Path(__file__).parents[3] / "docs" / "announcing.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The page's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_spec_and_the_connections_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the page's spec and its connections, then each medium of the spec finds its connection."""
    (commands,) = blocks("bash")
    shown = subprocess.run(
        ["bash", "-euc", f"{commands}\nenv -0"], capture_output=True, text=True, check=True, env={}
    ).stdout
    variables = dict(line.split("=", 1) for line in shown.split("\0") if line.startswith("AIRFLOW_CONN_"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    spec = YAML(typ="safe", pure=True).load(blocks("yaml")[0])

    class Service:
        announce = Announce.model_validate(spec["announce"])

    notifiers = notifiers_of(Service())  # type: ignore[arg-type]
    for notifier in notifiers:
        notifier.ready()

    assert [notifier.name.split()[1] for notifier in notifiers] == ["slack_default", "releases_webhook"]
    assert len(variables) == len(notifiers)


def test_the_manifest_grants_what_the_code_says_it_needs() -> None:
    """Given the page's manifest, then its scopes are those that the code names for a public channel."""
    manifest = YAML(typ="safe", pure=True).load(blocks("yaml")[1])

    named = re.findall(r"``((?:chat|channels):\w+)``", slack.__doc__ or "")
    assert sorted(manifest["oauth_config"]["scopes"]["bot"]) == sorted(named)


def test_the_webhook_s_body_is_the_one_shown() -> None:
    """Given the page's body, then a webhook gets exactly that for such an event."""
    pending = Pending(kind=Kind.EVENTS, mark="events:westeurope:2", events=(("westeurope", 2),))

    assert json.loads(blocks("json")[0]) == payload(release(region("westeurope", Phase.CHANGED, 2)), pending)
