"""The groups machines serve in, of both kinds: find and read them, take machines out, put them back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from include.airlock.aws import classic, load_balancers, target_groups
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group, Member, PublicAddress
from include.airlock.errors import NotFound

__all__ = [
    "Group",
    "Member",
    "PublicAddress",
    "all_groups",
    "attach",
    "detach",
    "find",
    "members",
    "public_addresses",
]


def find(access: AwsAccess, names_or_arns: Sequence[str], classic_names: Sequence[str]) -> list[Group]:
    """The groups a spec names, in its order, target groups first.

    Raises:
        NotFound: names every group that the region does not know, and the nearest it does.
    """
    rows = target_groups.listed(access) if names_or_arns else []
    by_word = {row["TargetGroupArn"]: row for row in rows} | {row["TargetGroupName"]: row for row in rows}
    found = classic.listed(access) if classic_names else []
    by_name = {row["LoadBalancerName"]: row for row in found}
    faults = [
        *(_absent(access, "target group", word, by_word) for word in names_or_arns if word not in by_word),
        *(
            _absent(access, "classic load balancer", name, by_name)
            for name in classic_names
            if name not in by_name
        ),
    ]
    if faults:
        raise NotFound("; ".join(faults), status=404)
    return [
        *(target_groups.group(access, by_word[word]) for word in names_or_arns),
        *(classic.group(access, by_name[name]) for name in classic_names),
    ]


def all_groups(access: AwsAccess, holding: Collection[str] | None = None) -> list[Group]:
    """Every group of the region that machines can serve in.

    With ``holding`` (instance ids and addresses) only the groups in which one of these is: for
    target groups by their health, draining included, with a call for each; for classic load
    balancers by their descriptions, which take one call for all.
    """
    chosen: list[Group] = []
    for row in target_groups.listed(access):
        if row.get("TargetType") not in ("instance", "ip"):
            continue
        if holding is None or target_groups.holds(access, row["TargetGroupArn"], holding):
            chosen.append(target_groups.group(access, row))
    for row in classic.listed(access):
        if holding is None or classic.holds(access, row, holding):
            chosen.append(classic.group(access, row))
    return chosen


def members(
    access: AwsAccess,
    group: Group,
    targets: Sequence[tuple[str, int | None]] | None = None,
    zones: Mapping[str, str | None] | None = None,
) -> list[Member]:
    """Who is in the group and where each stands, read in one call.

    Without ``targets`` everybody registered or draining. With ``targets`` (machine and port)
    exactly these, in their order: one that has been drained or was never in is OUT.
    ``zones`` tells the availability zones of machines, which a group of instances does not.

    Raises:
        NotFound: there is no such group any more.
    """
    read = target_groups.members if group.kind == "target_group" else classic.members
    return read(access, group, targets, zones or {})


def detach(access: AwsAccess, group: Group, machine: str, port: int | None, zone: str | None) -> None:
    """Take exactly this membership out of the group; what became of it is for ``members`` to say."""
    if group.kind == "target_group":
        target_groups.deregister(access, group, machine, port, zone)
    else:
        classic.deregister(access, group, machine)


def attach(access: AwsAccess, group: Group, machine: str, port: int | None, zone: str | None) -> None:
    """Put exactly this membership into the group, also when it is draining just now."""
    if group.kind == "target_group":
        target_groups.register(access, group, machine, port, zone)
    else:
        classic.register(access, group, machine)


def public_addresses(access: AwsAccess, group: Group) -> list[PublicAddress]:
    """Where load balancers answer requests that may reach this group, in a stable order.

    For a target group these are the listeners that forward to it by default; those that do so
    by a rule only count where there is no other, as their rule decides which requests do.
    """
    if group.kind == "target_group":
        return load_balancers.public_addresses(access, group)
    return classic.public_addresses(access, group)


def _absent(access: AwsAccess, kind: str, word: str, known: Collection[str]) -> str:
    said = f"no {kind} '{word}' in {access.region}"
    if word.startswith("arn:"):
        region = word.split(":")[3]
        return said if region == access.region else f"{said} (the ARN is of {region})"
    nearest = get_close_matches(word, [name for name in known if not name.startswith("arn:")], 1)
    return f"{said}; did you mean '{nearest[0]}'?" if nearest else said
