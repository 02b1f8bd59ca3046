"""What a release did to machines and load balancers, read from the sandbox's journal and state alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.integration.aws.world import REGION
from tests.sandbox_client import Json, SandboxClient

DETACH = ("DeregisterTargets", "DeregisterInstancesFromLoadBalancer")
ATTACH = ("RegisterTargets", "RegisterInstancesWithLoadBalancer")
_SERVING = ("healthy", "InService")


@dataclass(frozen=True)
class Scene:
    """One farm of the sandbox: its machines and groups, and all that happened to them since a reset."""

    sandbox: SandboxClient
    service: str = "orders"
    farm: str = "production"

    # --- who and where

    @property
    def told(self) -> Json:
        """What endpoints.json says of the farm; of a pair of target groups, what it says of the region."""
        region = self.sandbox.endpoints["services"][self.service]["regions"][REGION]
        found: Json = region["farms"][self.farm] if "farms" in region else region
        return found

    @property
    def machines(self) -> list[str]:
        """The farm's machines in the order of release."""
        return sorted(self.told["instances"])

    @property
    def groups(self) -> list[str]:
        """The names of the farm's target groups and classic load balancers."""
        return [*self.told.get("target_groups", {}), *self.told.get("classic_load_balancers", ())]

    @property
    def urls(self) -> list[str]:
        """Where clients reach the farm."""
        return list(self.told["public"].values())

    def builds(self) -> list[str | None]:
        """What each machine runs, in the order of release."""
        known = self.sandbox.aws_state("machines")
        return [known[machine]["build"] for machine in self.machines]

    def standings(self) -> Json:
        """``group -> {target: state}`` of every group that any machine of the farm may be in."""
        held = self.sandbox.aws_state("target_groups") | self.sandbox.aws_state("classic")
        return {
            name: {target: member["state"] for target, member in held[name]["targets"].items()}
            for name in self.groups
        }

    # --- what was asked

    def entries(self) -> list[Json]:
        """All that was asked of this farm's machines, and what happened to them."""
        own = set(self.machines)
        return [
            entry
            for entry in self.sandbox.journal(service=self.service)
            if own & {entry.get("machine"), *(entry.get("machines") or ())}
        ]

    def asked(self, *operations: str) -> list[Json]:
        """The changing requests of these operations, in order."""
        return [entry for entry in self.entries() if _action(entry) in operations]

    def turns(self, *operations: str) -> list[str]:
        """The machines that these operations were asked of, in order, each once for a row of requests."""
        row: list[str] = []
        for entry in self.asked(*operations):
            row += [machine for machine in entry["machines"] if not row or row[-1] != machine]
        return row

    def deployed(self) -> list[tuple[str, str]]:
        """The builds that were put on machines, in order."""
        return [(e["machine"], e["build"]) for e in self.entries() if e.get("event") == "deployed"]

    # --- what must have held

    def assert_never_below(self, floor: int, *, most_out: int = 1) -> None:
        """At every moment each group had ``floor`` healthy machines, and at most ``most_out`` were away.

        A machine that a health check found amiss counts as away only where it was deregistered.
        """
        groups = {name: dict.fromkeys(self.machines, "healthy") for name in self.groups}
        for entry in self.entries():
            if entry.get("event") != "target_state":
                continue
            states = groups.setdefault(entry["group"], {})
            states[entry["machine"]] = entry["to"]
            serving = [machine for machine, state in states.items() if state in _SERVING]
            assert len(serving) >= floor, f"{entry['group']} was left with {serving} at {entry}"
            away = {m for held in groups.values() for m, state in held.items() if state in _AWAY}
            assert len(away) <= most_out, f"{sorted(away)} were out at once at {entry}"

    def assert_one_deploy_at_a_time(self, most: int = 1) -> None:
        """No deploy command ran on a machine while another one did, nor on more than ``most`` machines."""
        running: list[str] = []
        for entry in self.entries():
            if _action(entry) == "SendCommand" and entry["status"] == 200:
                assert not set(running) & set(entry["machines"]), f"twice at once: {entry}"
                running += entry["machines"]
                assert len(running) <= most, f"{running} were deployed at once"
            elif entry.get("event") == "command_ended":
                running.remove(entry["machine"])


_AWAY = ("draining", "unused", "initial", "OutOfService", "registering")


def _action(entry: Json) -> str:
    return str(entry.get("operation") or "").rpartition(":")[2]


def machines_of(entries: Iterable[Json]) -> Sequence[str]:
    """The machines of requests, in order."""
    return [machine for entry in entries for machine in entry["machines"]]
