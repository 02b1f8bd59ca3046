"""A whole release told into the sandbox as it runs for everybody: its own process, ports and token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.integration.announce.media import connect, hook, slack, tell
from tests.sandbox_client import SandboxClient
from tests.unit.announce.media import Memory
from tests.unit.announce.releases import story

PROJECT = Path(__file__).parents[3]

TELLER = textwrap.dedent(
    """
    import json, os, signal, sys
    from pathlib import Path
    from include.airlock.announce.slack import SlackNotifier
    from include.airlock.announce.tell import tell
    from tests.unit.announce.releases import story

    file, deadly = Path(sys.argv[1]), int(sys.argv[2])

    class Memory:
        writes = 0

        def get(self, key):
            return json.loads(file.read_text()).get(key) if file.exists() else None

        def set(self, key, value):
            held = json.loads(file.read_text()) if file.exists() else {}
            Memory.writes += 1
            if Memory.writes == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            file.write_text(json.dumps({**held, key: value}))

    left = []
    for record in story():
        left = tell(record, [SlackNotifier("slack_default", "#releases")], Memory(), 30.0)
    sys.exit(len(left))
    """
)


@pytest.fixture(autouse=True)
def _connections(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = sandbox.endpoints
    connect(monkeypatch, "slack_default", "slack", ends["slack_token"], extra={"base_url": ends["slack"]})
    connect(monkeypatch, "releases_webhook", "http", "hook-token", host=ends["webhook"])


def marks(sandbox: SandboxClient) -> list[str]:
    """Which posts are in #releases, in order."""
    found = sandbox.slack()["channels"]["#releases"]
    return [held["metadata"]["event_payload"]["mark"] for held in found]


def test_both_media_of_the_sandbox_hear_a_release(sandbox: SandboxClient) -> None:
    """Given the sandbox, when a release is told, then Slack and the receiver have all of it, once."""
    memory = Memory()
    for record in story():
        assert tell(record, [slack("#releases"), hook()], memory) == []

    posted = marks(sandbox)
    assert (posted[0], posted[-1], len(posted)) == ("headline", "ending:1", len(set(posted)))
    keys = [held["idempotency_key"] for held in sandbox.hooks()["hooks"]]
    assert len(keys) == len(set(keys)) == 22
    assert {entry["operation"] for entry in sandbox.journal(service="slack")} == {
        "chat.postMessage",
        "chat.update",
    }


def test_a_killed_process_posts_nothing_twice(sandbox: SandboxClient, tmp_path: Path) -> None:
    """Given a process killed after a post and before noting it, when started again, then all is once."""
    second_write = "2"  # the first one notes what is about to be posted
    script = [sys.executable, "-c", TELLER, str(tmp_path / "memory.json")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    killed = subprocess.run([*script, second_write], env=environment, cwd=PROJECT, check=False)
    between = marks(sandbox)
    again = subprocess.run([*script, "0"], env=environment, cwd=PROJECT, check=False)

    assert (killed.returncode, again.returncode) == (-signal.SIGKILL, 0)
    assert between == ["headline"]
    posted = marks(sandbox)
    assert (posted[0], posted[-1], len(posted)) == ("headline", "ending:1", len(set(posted)))
