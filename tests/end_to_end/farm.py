"""Machines behind load balancers, seen from outside: by the sandbox's state and by its journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from include.local.turns import RUN, Place, Turns
from tests.end_to_end.aws_world import REGION
from tests.sandbox_client import Json, SandboxClient

_OK = 200


@dataclass(frozen=True)
class Farm:
    """The machines of a service in one farm, or in its two target groups."""

    sandbox: SandboxClient
    service: str
    name: str = "production"

    @property
    def told(self) -> Json:
        """What endpoints.json says of it."""
        region = self.sandbox.endpoints["services"][self.service]["regions"][REGION]
        found: Json = region["farms"][self.name] if "farms" in region else region
        return found

    @property
    def machines(self) -> list[str]:
        """The machines in the order of release."""
        return sorted(self.told["instances"])

    @property
    def groups(self) -> list[str]:
        """The names of its target groups, then of its classic load balancers."""
        return [*self.told["target_groups"], *self.told.get("classic_load_balancers", ())]

    @property
    def places(self) -> list[Place]:
        """Every machine with each of the groups that all of them are in."""
        return [(machine, group) for machine in self.machines for group in self.groups]

    def builds(self) -> list[str]:
        """Return what each machine runs, in the order of release."""
        known = self.sandbox.aws_state("machines")
        return [known[machine]["build"] for machine in self.machines]

    def standings(self) -> dict[str, dict[str, str]]:
        """Return group -> target -> state: who is in which group, on which port, and how."""
        held = self.sandbox.aws_state("target_groups") | self.sandbox.aws_state("classic")
        return {
            group: {target: member["state"] for target, member in held[group]["targets"].items()}
            for group in self.groups
        }

    def turns(self, entries: Iterable[Json]) -> Turns:
        """Return the machines' turns in some entries of the journal."""
        return Turns.read(entries, self.places)

    def assert_each_left_and_returned(self, entries: Iterable[Json], *, times: int = 1) -> Turns:
        """Every machine left each group and came back so often, drained first, never two out at once."""
        turns = self.turns(entries)
        counts = {place: (turns.left[place], turns.returned[place]) for place in self.places}
        assert counts == dict.fromkeys(self.places, (times, times))
        assert turns.most_out == 1
        assert (turns.hasty, turns.cut) == ([], 0)
        return turns


def asked(entries: Iterable[Json], operation: str) -> list[Json]:
    """Return the requests of one operation that AWS carried out, in order."""
    return [entry for entry in entries if entry.get("operation") == operation and entry["status"] == _OK]


def assert_one_deploy_at_a_time(entries: Iterable[Json]) -> None:
    """No deploy command was sent while another one ran."""
    running: list[str] = []
    for entry in entries:
        if entry.get("operation") == RUN and entry["status"] == _OK:
            assert not running, f"{entry['machines']} was asked to deploy while {running} did"
            running += entry["machines"]
        elif entry.get("event") == "command_ended":
            running.remove(entry["machine"])
