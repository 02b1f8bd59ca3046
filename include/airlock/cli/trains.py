"""What ``airlock release --train`` asks for: a build for each service of a train, and its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.cli.ending import bad_input
from include.airlock.cli.facts import DagFacts
from include.airlock.model.change_request import BUILD, PLAN
from include.airlock.model.fields import Word
from include.airlock.model.wording import nearest, shown

_KEY, _PLAN_KEY = "build_", "plan_"
"""How the params of a train's DAG begin that hold a build, or a plan's hash; the service's name follows."""


def builds_of(conf: Mapping[str, Any]) -> dict[str, str]:
    """The builds that a train was asked for, by service."""
    return {key.removeprefix(_KEY): str(build) for key, build in conf.items() if key.startswith(_KEY)}


def train_params(builds: Sequence[str], plans: Sequence[str] = ()) -> dict[str, str]:
    """The params of ``--build SERVICE=BUILD`` and ``--plan SERVICE=HASH``.

    Raises:
        CannotGoOn: one is malformed, or a service is named twice.
    """
    return _by_service("--build", _KEY, BUILD, builds) | _by_service("--plan", _PLAN_KEY, PLAN, plans)


def _by_service(option: str, key: str, kind: Word, written: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in written:
        service, equals, value = each.partition("=")
        if not equals or not service:
            raise bad_input(f"{option}: {shown(each)} is not like payments={kind.example}")
        if f"{key}{service}" in found:
            raise bad_input(f"{option}: {service} is named twice")
        try:
            found[f"{key}{service}"] = kind.check(value.strip())
        except PydanticCustomError as error:
            raise bad_input(f"{option}: {service}: {error.message()}") from None
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
    faults += [
        f"--plan: {shown(key.removeprefix(_PLAN_KEY))} is no service of {facts.dag_id}"
        for key in params
        if key.startswith(_PLAN_KEY) and key != "plan_only" and key not in facts.params
    ]
    return [*faults, *(f"--build: {each} needs one: --build {each}=…" for each in missing)]
