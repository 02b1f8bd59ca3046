"""One release on the real Airflow, seen from outside: by Airflow's API and by the sandbox's journal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from include.local.api import AirflowApi
from tests.end_to_end.world import NEW, NORTH, UK, WEST
from tests.sandbox_client import SandboxClient

Json = dict[str, Any]

# Far more than any of these releases needs on two idle cores.
LIMIT_S = 240.0


@dataclass(frozen=True)
class Release:
    """A run of ``release_<service>``; ``since`` is the journal's last entry before it."""

    api: AirflowApi
    sandbox: SandboxClient
    service: str
    run_id: str
    since: int

    @classmethod
    def start(
        cls,
        api: AirflowApi,
        sandbox: SandboxClient,
        service: str,
        *,
        run_id: str | None = None,
        **conf: Any,
    ) -> Release:
        """Trigger it through the REST API, as sprint tooling would."""
        api.await_dag(f"release_{service}", timeout_s=LIMIT_S)
        entries = sandbox.journal()
        known = api.trigger_run(f"release_{service}", {"build": NEW} | conf, run_id=run_id)
        return cls(api, sandbox, service, known, entries[-1]["n"] if entries else 0)

    # --- what Airflow says

    @property
    def dag(self) -> str:
        """The DAG's id."""
        return f"release_{self.service}"

    def ended(self) -> str:
        """Wait for the run's end and return its state."""
        return self.api.await_run(self.dag, self.run_id, timeout_s=LIMIT_S)

    def states(self) -> dict[str, str | None]:
        """Return task id -> state."""
        return {name: task.state for name, task in self.api.task_instances(self.dag, self.run_id).items()}

    def state_of(self, task: str) -> str | None:
        """Return one task's state."""
        return self.api.task_state(self.dag, self.run_id, task)

    def tries_of(self, task: str) -> int:
        """Return how often a task was tried."""
        return self.api.task_instances(self.dag, self.run_id)[task].try_number

    def instance_of(self, task: str) -> str:
        """Return the id of a task's latest try; its process bears it."""
        path = f"dags/{self.dag}/dagRuns/{quote(self.run_id, safe='')}/taskInstances/{task}"
        found: str = self.api.request("GET", path)["id"]
        return found

    def log(self, task: str) -> str:
        """Return the log of a task's last try."""
        return self.api.logs(self.dag, self.run_id, task, self.tries_of(task))

    def sentence(self) -> str:
        """Return what the verdict says; of a release that failed, the error that ended it."""
        said = self.api.xcom(self.dag, self.run_id, "verdict")
        if said is not None:
            return str(said)
        found = re.findall(r"\b(?:ReleaseFailed|RequestError): (.*)", self.log("verdict"))
        return str(found[-1]) if found else ""

    def clear(self, task: str) -> list[str]:
        """Clear a step and all after it, as a person would."""
        return self.api.clear(self.dag, self.run_id, [task])

    # --- what Slack got

    def messages(self) -> list[Json]:
        """Return what Slack holds of this release, oldest first: the headline, then all posted later."""
        return [message for message in self._channel() if self._is_mine(message)]

    def replies(self) -> list[Json]:
        """Return the replies in the headline's thread, oldest first."""
        headline = self.messages()[0]
        return [message for message in self._channel() if message["thread_ts"] == headline["ts"]]

    def _channel(self) -> list[Json]:
        messages: list[Json] = self.sandbox.slack()["channels"]["#releases"]
        return messages

    def _is_mine(self, message: Json) -> bool:
        signed = (message["metadata"] or {}).get("event_payload") or {}
        return (signed.get("dag"), signed.get("release")) == (self.dag, self.run_id)

    # --- what the sandbox's journal says

    def entries(self) -> list[Json]:
        """Return all that was asked of this service's apps and happened to them since the start."""
        return self.sandbox.journal(service=self.service, since=self.since)

    def asked(self, operation: str = "swap", region: str | None = None) -> list[Json]:
        """Return the requests that Airlock itself sent to change something."""
        return [
            entry
            for entry in self.entries()
            if entry.get("operation") == operation
            and "airlock" in (entry.get("client") or "")
            and region in (None, entry["region"])
        ]

    def changes(self) -> list[Json]:
        """Return every request of anybody that changes something."""
        return [entry for entry in self.entries() if entry.get("method")]

    def switches(self, region: str | None = None) -> list[str]:
        """Return the regions whose routing was switched, in order, each as often as it was."""
        return [
            entry["region"]
            for entry in self.entries()
            if entry.get("event") == "routing_switched" and region in (None, entry["region"])
        ]

    def builds(self, region: str = WEST) -> tuple[str, str]:
        """Return what production and staging run."""
        build = self.sandbox.build
        return build(self.service, region), build(self.service, region, "staging")

    def assert_one_region_in_flight(self) -> None:
        """Invariant 1: no region is touched while an operation of another one runs, nor out of order."""
        running: set[str] = set()
        begun: list[str] = []
        for entry in self.entries():
            if entry.get("event") == "swap_started":
                others = running - {entry["region"]}
                assert not others, f"{entry['region']} was touched while {others} was in flight"
                running.add(entry["region"])
                begun += [] if entry["region"] in begun else [entry["region"]]
            elif entry.get("event") in ("swap_ended", "swap_reverted"):
                running.discard(entry["region"])
        assert begun == [region for region in (WEST, NORTH, UK) if region in begun]

    def assert_untouched(self) -> None:
        """Nothing at all was asked of this service's apps that could change them."""
        assert self.changes() == []


def moments(entries: list[Json], event: str) -> Mapping[str, float]:
    """Return region -> when an event was last seen there."""
    return {entry["region"]: entry["at"] for entry in entries if entry.get("event") == event}
