"""What ``airlock release --train`` asks for: a build for each service of a train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.cli.ending import bad_input
from include.airlock.cli.facts import DagFacts
from include.airlock.model.change_request import BUILD
from include.airlock.model.wording import nearest, shown

_KEY = "build_"
"""How the params of a train's DAG begin that hold a build; the service's name follows."""


def builds_of(conf: Mapping[str, Any]) -> dict[str, str]:
    """The builds that a train was asked for, by service."""
    return {key.removeprefix(_KEY): str(build) for key, build in conf.items() if key.startswith(_KEY)}


def train_params(written: Sequence[str]) -> dict[str, str]:
    """The params of ``--build SERVICE=BUILD``.

    Raises:
        CannotGoOn: one is malformed, or a service is named twice.
    """
    found: dict[str, str] = {}
    for each in written:
        service, equals, build = each.partition("=")
        if not equals or not service:
            raise bad_input(f"--build: {shown(each)} is not like payments=2026.11.2")
        if f"{_KEY}{service}" in found:
            raise bad_input(f"--build: {service} is named twice")
        try:
            found[f"{_KEY}{service}"] = BUILD.check(build.strip())
        except PydanticCustomError as error:
            raise bad_input(f"--build: {service}: {error.message()}") from None
    return found


def build_faults(facts: DagFacts, params: Mapping[str, Any]) -> list[str]:
    """What is wrong with the builds of a train, of which each service needs one."""
    services, given = builds_of(facts.params), builds_of(params)
    faults = [
        f"--build: {shown(each)} is no service of {facts.dag_id}; {nearest(each, list(services))}"
        for each in given
        if each not in services
    ]
    missing = [each for each in services if each not in given]
    return [*faults, *(f"--build: {each} needs one: --build {each}=…" for each in missing)]
