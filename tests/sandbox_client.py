"""A client of a running sandbox, for tests: its control door, its public hosts and its resource manager.

It takes any ``endpoints.json``, so that integration and end-to-end tests use the same class.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

PROJECT = Path(__file__).resolve().parent.parent
API_VERSION = "2025-05-01"
START_LIMIT = 60.0
Json = dict[str, Any]


class SandboxClient:
    """Speaks to one sandbox. Every method raises `requests.HTTPError` when the control door refuses."""

    def __init__(self, endpoints: Json) -> None:
        self.endpoints = endpoints
        self.ca_file = str(endpoints["ca_file"])
        self._session = requests.Session()
        self._session.trust_env = False
        self._token = ""

    @classmethod
    def at(cls, file: Path) -> SandboxClient:
        """Read an ``endpoints.json``."""
        return cls(json.loads(file.read_text(encoding="utf-8")))

    # --- the control door

    def _control(self, method: str, path: str, **more: Any) -> Any:
        answer = self._session.request(method, self.endpoints["control"] + path, timeout=30, **more)
        if answer.status_code >= 400:
            raise requests.HTTPError(f"{answer.status_code}: {answer.text}", response=answer)
        return answer.json()

    def state(self, service: str | None = None, region: str | None = None) -> Json:
        """Return the whole state, one service's regions, or one region's slots."""
        found: Json = self._control("GET", "/sandbox/state")["services"]
        if service is not None:
            found = found[service]
        return found[region] if region is not None else found

    def build(self, service: str, region: str, slot: str = "production") -> str:
        """Return the build that is routed in a slot."""
        return str(self.state(service, region)[slot]["build"])

    def journal(self, **filters: Any) -> list[Json]:
        """Return the journal's entries; filters are service, region, operation, event, since."""
        entries: list[Json] = self._control("GET", "/sandbox/journal", params=filters)["entries"]
        return entries

    def requests_of(self, operation: str, **filters: Any) -> list[Json]:
        """Return the journal's changing requests of one operation, in order."""
        return self.journal(operation=operation, **filters)

    def events(self, name: str, **filters: Any) -> list[Json]:
        """Return the journal's events of one name, in order."""
        return self.journal(event=name, **filters)

    def counts(self) -> Json:
        """Return how many requests came, reads included."""
        counts: Json = self._control("GET", "/sandbox/journal/counts")
        return counts

    def fault(
        self,
        name: str,
        *,
        times: int | None = None,
        after: int = 0,
        where: Mapping[str, str] | None = None,
        **params: Any,
    ) -> Json:
        """Set a fault."""
        asked = {"fault": name, "where": dict(where or {}), "times": times, "after": after, **params}
        fault: Json = self._control("POST", "/sandbox/faults", json=asked)
        return fault

    def faults(self) -> list[Json]:
        """Return the faults that are set."""
        listed: list[Json] = self._control("GET", "/sandbox/faults")["faults"]
        return listed

    def clear_faults(self, number: int | None = None) -> None:
        """Take every fault back, or the one of that id."""
        self._control("DELETE", "/sandbox/faults", params={} if number is None else {"id": number})

    def stage(self, service: str, region: str, build: str, slot: str = "staging") -> None:
        """Put a build into a slot at once."""
        self._control(
            "POST",
            "/sandbox/stage",
            json={"service": service, "region": region, "slot": slot, "build": build},
        )

    def slack(self) -> Json:
        """Return what Slack received."""
        told: Json = self._control("GET", "/sandbox/slack")
        return told

    def hooks(self) -> Any:
        """Return what the webhook's receiver got."""
        return self._control("GET", "/sandbox/hooks")

    def reset(self) -> None:
        """Put everything back to the start."""
        self._control("POST", "/sandbox/reset")

    # --- AWS

    def aws(self, service: str, region: str = "eu-west-1", **more: Any) -> Any:
        """Return a boto3 client of the sandbox's endpoint; ``more`` as for ``boto3.client``."""
        import boto3

        known = self.endpoints["aws"]
        given = {
            "endpoint_url": known["endpoint"],
            "aws_access_key_id": known["access_key_id"],
            "aws_secret_access_key": known["secret_access_key"],
            "region_name": region,
        }
        return boto3.client(service, **{**given, **more})

    def aws_state(self, part: str) -> Json:
        """Return one part of the AWS state: machines, target_groups, classic, listeners, scaling_groups."""
        found: Json = self._control("GET", "/sandbox/state")["aws"][part]
        return found

    def stage_machine(self, machine: str, build: str) -> None:
        """Put a build onto an AWS machine at once."""
        self._control("POST", "/sandbox/stage", json={"machine": machine, "build": build})

    # --- the public hosts

    def region(self, service: str, region: str) -> Json:
        """Return one region's entry of the endpoints."""
        held: Json = self.endpoints["services"][service]["regions"][region]
        return held

    def get(
        self, service: str, region: str, path: str = "/", slot: str = "production", **more: Any
    ) -> requests.Response:
        """GET a page of a public host, on a fresh connection."""
        url = self.region(service, region)[slot] + path
        more.setdefault("timeout", 10)
        return requests.get(url, verify=self.ca_file, allow_redirects=False, **more)

    def status(self, service: str, region: str, slot: str = "production") -> Json:
        """Return the status page of a slot."""
        page: Json = self.get(service, region, "/status", slot).json()
        return page

    # --- the resource manager

    def token(self) -> str:
        """Return an access token, asked for once."""
        if not self._token:
            known = self.endpoints
            answer = requests.post(
                f"{known['authority']}/{known['tenant']}/oauth2/v2.0/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": known["client_id"],
                    "client_secret": known["client_secret"],
                    "scope": known["arm"] + "/.default",
                },
                verify=self.ca_file,
                timeout=10,
            )
            answer.raise_for_status()
            self._token = str(answer.json()["access_token"])
        return self._token

    def resource(self, service: str, region: str, slot: str = "production") -> str:
        """Return the resource id of a site or slot."""
        held = self.region(service, region)
        base = (
            f"/subscriptions/{self.endpoints['subscription']}/resourceGroups/{held['resource_group']}"
            f"/providers/Microsoft.Web/sites/{held['app']}"
        )
        return base if slot == "production" else f"{base}/slots/{held['slot']}"

    def arm(
        self, method: str, path: str, *, session: requests.Session | None = None, **more: Any
    ) -> requests.Response:
        """Call the resource manager; ``path`` is a path or a whole address."""
        url = path if path.startswith("https:") else self.endpoints["arm"] + path
        if "api-version" not in url:
            more.setdefault("params", {}).setdefault("api-version", API_VERSION)
        headers = {"Authorization": f"Bearer {self.token()}", **more.pop("headers", {})}
        more.setdefault("timeout", 30)
        return (session or requests).request(method, url, headers=headers, verify=self.ca_file, **more)

    def post_swap(self, service: str, region: str, target: str = "production") -> requests.Response:
        """POST slotsswap on a region's staging slot; return the answer."""
        path = self.resource(service, region, "staging") + "/slotsswap"
        return self.arm("POST", path, json={"targetSlot": target, "preserveVnet": True})

    def follow(
        self, accepted: requests.Response, limit: float = 30.0, every: float = 0.05
    ) -> requests.Response:
        """Follow the newest Location until the operation has ended; return the last answer."""
        answer = accepted
        ends = time.monotonic() + limit
        while answer.status_code == 202:
            if time.monotonic() > ends:
                raise TimeoutError("the operation has not ended")
            time.sleep(every)
            answer = self.arm("GET", answer.headers["Location"])
        return answer

    def swap(self, service: str, region: str) -> requests.Response:
        """Swap staging into production and wait for the end; return the last answer."""
        return self.follow(self.post_swap(service, region))

    def wait_until(self, holds: Callable[[], Any], limit: float = 15.0, every: float = 0.05) -> Any:
        """Return the first true answer of ``holds``. Raises TimeoutError after ``limit`` seconds."""
        ends = time.monotonic() + limit
        while not (answer := holds()):
            if time.monotonic() > ends:
                raise TimeoutError("it did not come true")
            time.sleep(every)
        return answer


class SandboxRun:
    """A sandbox as a program of its own, with a configuration; `stop` ends it."""

    def __init__(self, state_dir: Path, config: Json | None = None) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "include.sandbox", "--state-dir", str(state_dir)]
        if config is not None:
            file = state_dir / "config.json"
            file.write_text(json.dumps(config), encoding="utf-8")
            command += ["--config", str(file)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        self._log = (state_dir / "sandbox.log").open("wb")
        self.program = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        self.client = SandboxClient.at(self._ready(state_dir))

    def _ready(self, state_dir: Path) -> Path:
        file = state_dir / "endpoints.json"
        ends = time.monotonic() + START_LIMIT
        while not file.exists():
            if self.program.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError(f"the sandbox did not start:\n{(state_dir / 'sandbox.log').read_text()}")
            time.sleep(0.05)
        return file

    def stop(self) -> int:
        """Ask it to end, wait, and return its exit code."""
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGTERM)
        try:
            code = self.program.wait(30)
        except subprocess.TimeoutExpired:
            self.program.kill()
            code = self.program.wait()
        self._log.close()
        return code
