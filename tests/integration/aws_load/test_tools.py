"""The locust file and the JMeter plan, really run against a small server that fails now and then.

JMeter is no dependency: its test runs where ``jmeter`` (5 or newer) is on the PATH or ``AIRLOCK_JMETER``
names it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from tests.integration.aws_load.releases import wait_until
from tests.integration.sandbox.served import served
from tests.load.report import Report, of_samples
from tests.load.samples import read

ROOT = Path(__file__).resolve().parents[3]
JMETER = os.environ.get("AIRLOCK_JMETER") or shutil.which("jmeter")
OLD, NEW = "2026.11.1", "2026.11.2"


def _too_old() -> bool:
    """Whether there is no JMeter, or one before 5: Debian's 2.13 can't load any plan."""
    if JMETER is None:
        return True
    said = subprocess.run([JMETER, "-v"], capture_output=True, text=True, timeout=60, check=False).stdout
    return re.search(r"\s(?:[5-9]|\d\d)\.\d", said) is None


needs_locust = pytest.mark.skipif(
    importlib.util.find_spec("locust") is None, reason="no Locust: it is in requirements-dev.in"
)
needs_jmeter = pytest.mark.skipif(
    _too_old(), reason="no JMeter 5: put jmeter on the PATH or name it with AIRLOCK_JMETER"
)


@dataclass
class Application:
    """A service whose answers to some of its requests are wrong; ``answered`` counts them."""

    broken: bool = False
    answered: int = 0

    async def page(self, _request: web.Request) -> web.StreamResponse:
        """Answer; when it is broken, every seventh request goes wrong, each time in another way."""
        self.answered += 1
        if self.broken and self.answered % 7 == 0:
            return self._wrong(self.answered // 7)
        return self._right()

    async def slow(self, request: web.Request) -> web.Response:
        """Answer after a while."""
        await asyncio.sleep(float(request.query["seconds"]))
        return self._right()

    def _right(self) -> web.Response:
        return web.json_response({"service": "checkout", "build": OLD if self.answered < 20 else NEW})

    @staticmethod
    def _wrong(number: int) -> web.Response:
        ways = (
            web.Response(status=502, text="Bad Gateway"),
            web.Response(text="<html>It works!</html>"),
            web.json_response({"service": "another", "build": OLD}),
            web.json_response({"service": "checkout"}),
        )
        return ways[number % len(ways)]


class HangingUp:
    """Takes every connection on a listening socket and closes it without a word."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._number = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self._server.accept()[0].close()
            except OSError:
                return
            self._number += 1

    def has_hung_up(self) -> bool:
        """Whether it has done so a few times."""
        return self._number > 10


@pytest.fixture(name="application")
def _application() -> Application:
    return Application()


@pytest.fixture(name="url")
def _url(application: Application) -> Iterator[str]:
    with served([web.get("/", application.page), web.get("/slow", application.slow)]) as url:
        yield url


def locust(url: str, folder: Path, enough: Callable[[], bool], *limits: str) -> tuple[int, Report]:
    """Run the locust file until there is enough; return its exit code and the report on its samples."""
    file = folder / "samples.jsonl"
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "tests/load/locustfile.py"), "--headless"]
    command += ["--users", "12", "--spawn-rate", "12", "--stop-timeout", "3s"]
    command += ["--host", url, "--long-seconds", "1", "--samples", str(file), "--min-requests", "40"]
    with (folder / "locust.log").open("wb") as log:
        child = subprocess.Popen([*command, *limits], stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until(enough)
            child.send_signal(signal.SIGTERM)
            code = child.wait(30)
        finally:
            child.kill()
            child.wait()
    assert file.exists(), (folder / "locust.log").read_text(encoding="utf-8")
    return code, of_samples(read(file))


def jmeter(url: str, folder: Path) -> Report:
    """Run the JMeter plan for some seconds; return the report on its samples."""
    file, where = folder / "results.jtl", urlsplit(url)
    command = [
        str(JMETER),
        "-n",
        "-t",
        str(ROOT / "tests/load/checkout.jmx"),
        "-j",
        str(folder / "jmeter.log"),
    ]
    given = {"host": where.hostname, "port": where.port, "seconds": 5, "long_seconds": 1, "samples": file}
    options = [f"-J{name}={value}" for name, value in given.items()]
    ran = subprocess.run(
        [*command, *options, "-Jsample_variables=build"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return of_samples(read(file))


@needs_locust
def test_locust_on_a_sound_service_proves_it(application: Application, url: str, tmp_path: Path) -> None:
    """Given a service that always answers, when Locust has run, then the run is a proof with both builds."""
    code, report = locust(
        url, tmp_path, lambda: application.answered > 60, "--builds", f"{OLD},{NEW}", "--min-long", "1"
    )

    assert (code, report.failed) == (0, 0), report
    assert set(report.builds) == {OLD, NEW}


@needs_locust
def test_locust_sees_every_wrong_answer(application: Application, url: str, tmp_path: Path) -> None:
    """Given a service with wrong answers of four kinds, when Locust has run, then each is a failure."""
    application.broken = True

    code, report = locust(url, tmp_path, lambda: application.answered > 60)

    assert code == 1
    assert report.failed == application.answered // 7
    assert {failure["kind"] for failure in report.failures} == {"502", "200"}


@needs_locust
def test_locust_on_nobody_proves_nothing(tmp_path: Path) -> None:
    """Given a server that hangs up at once, when Locust has run, then every request failed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = HangingUp(server)
        code, report = locust(f"http://127.0.0.1:{server.getsockname()[1]}", tmp_path, nobody.has_hung_up)

    assert code == 1
    assert report.failed == report.requests > 0
    assert report.builds == {}


@needs_jmeter
def test_jmeter_on_a_sound_service_proves_it(url: str, tmp_path: Path) -> None:
    """Given a service that always answers, when JMeter has run, then nothing failed."""
    report = jmeter(url, tmp_path)

    assert report.failed == 0, report
    assert set(report.builds) == {OLD, NEW}
    assert report.long_requests > 1


@needs_jmeter
def test_jmeter_sees_every_wrong_answer(application: Application, url: str, tmp_path: Path) -> None:
    """Given a service with wrong answers of four kinds, when JMeter has run, then each is a failure."""
    application.broken = True

    report = jmeter(url, tmp_path)

    assert report.failed == application.answered // 7
    assert json.dumps(list(report.failures)).count("kept") > 0
