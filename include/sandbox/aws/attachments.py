"""The load balancers that an Auto Scaling group is attached to, and which machines it has put there."""

from __future__ import annotations

from typing import Any

from include.sandbox.aws.books import Books
from include.sandbox.aws.groups import Groups, Membership

SERVING = ("InService", "Pending")
Mark = tuple[str, str, str]


def suspended(group: Any) -> set[str]:
    """Return the names of a group's suspended processes."""
    return {each["ProcessName"] for each in group.suspended_processes}


class Attachments:
    """Registers each machine once when it comes into service, and deregisters it when it leaves.

    What somebody else deregisters stays so, as with Auto Scaling itself.
    """

    def __init__(self, books: Books, groups: Groups) -> None:
        self._books = books
        self._groups = groups
        self._joined: dict[Mark, str] = {}

    def groups(self, region: str) -> list[Any]:
        """Return every Auto Scaling group of a region."""
        return list(self._books.autoscaling(region).autoscaling_groups.values())

    def keys(self, region: str, group: Any) -> list[str]:
        """Return the keys of the pools that a group is attached to."""
        names = group.load_balancer_names or []
        keys = [*group.target_group_arns, *(self._groups.classic_key(region, name) for name in names)]
        return [key for key in keys if key in self._groups.pools]

    def members(self, group: Any) -> list[str]:
        """Return the machines that a group has now, then those it once had."""
        ids = [state.instance.id for state in group.instance_states]
        return ids + [id_ for name, id_, _ in self._joined if name == group.name]

    def follow(self, region: str) -> None:
        """Register machines that came into service, and deregister those that left or entered Standby.

        With AddToLoadBalancer suspended a machine is not registered, and not later either.
        """
        wanted: dict[Mark, bool] = {}
        for group in self.groups(region):
            quiet = "AddToLoadBalancer" in suspended(group)
            wanted |= {mark: quiet for mark in self._marks(region, group)}
        for mark in [m for m, of_region in self._joined.items() if of_region == region and m not in wanted]:
            del self._joined[mark]
            self._leave(mark)
        for mark, quiet in wanted.items():
            if mark in self._joined:
                continue
            self._joined[mark] = region
            if not quiet:
                self._groups.join(Membership(region, mark[2], mark[1]))

    def _marks(self, region: str, group: Any) -> list[Mark]:
        ids = [
            state.instance.id
            for state in group.instance_states
            if state.lifecycle_state in SERVING and not getattr(state, "booting", False)
        ]
        return [(group.name, id_, key) for id_ in ids for key in self.keys(region, group)]

    def _leave(self, mark: Mark) -> None:
        _, machine_id, key = mark
        pool = self._groups.pools.get(key)
        if pool is not None:
            pool.deregister(machine_id, pool.settings.port)
