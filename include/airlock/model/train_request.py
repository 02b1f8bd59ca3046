"""What somebody asks of a train: a build of each service, where, why, and what to do if it goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from include.airlock.errors import RequestError
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.form import in_words, params_schema
from include.airlock.model.service import OnFailure, Service
from include.airlock.model.service_base import refusal_of_policy
from include.airlock.model.train import Train, regions_of
from include.airlock.model.wording import nearest, shown

_SHARED = ("change_request", "reason")
KEYS = (*_SHARED, "regions", "on_failure", "plan_only", "window_override")


def build_key(service: str) -> str:
    """The param that holds the build of a service."""
    return f"build_{service}"


def plan_key(service: str) -> str:
    """The param that holds the hash of the plan that the release of a service is bound to."""
    return f"plan_{service}"


@dataclass(frozen=True)
class TrainRequest:
    """The approved wish to release a train: the change request of each service, in the train's order."""

    train: Train
    regions: tuple[str, ...]
    on_failure: OnFailure
    requests: tuple[ChangeRequest, ...]

    @classmethod
    def of(cls, train: Train, conf: Mapping[str, Any], *, run_id: str = "") -> TrainRequest:
        """Read it from a DAG run's params; None and blank text count as not given.

        Raises:
            RequestError: one sentence that names every fault.
        """
        faults = _unknown(train, conf)
        regions, policy = _regions(train, conf, faults), _policy(train, conf, faults)
        requests = []
        for service in train.services:
            asked = _asked(train, service, conf) | {"on_failure": policy.value}
            try:
                request = ChangeRequest.of(service, asked)
            except RequestError as fault:
                text = str(fault).removeprefix(f"can't release {service.service}: ")
                faults.append(f"{service.service}: {text}")
                continue
            chosen = [place for region in regions for place in train.places(service, region)]
            places = tuple(place for place in service.places if place in chosen)
            requests.append(replace(request, regions=places).under(run_id))
        if faults:
            raise RequestError(f"can't release the train {train.name}: {'; '.join(faults)}")
        return cls(train, regions, policy, tuple(requests))


def _unknown(train: Train, conf: Mapping[str, Any]) -> list[str]:
    names = [service.service for service in train.services]
    keys = [*map(build_key, names), *map(plan_key, names), *KEYS]
    given = list(conf)[: len(keys) + 32]
    faults = [f"unknown key {shown(key)}; {nearest(str(key), keys)}" for key in given if key not in keys]
    if _given(conf, "window_override") is not None and not _with_windows(train):
        faults.append("window_override: no service of this train has windows or freezes")
    return faults


def _with_windows(train: Train) -> list[Service]:
    return [service for service in train.services if service.has_windows]


def _given(conf: Mapping[str, Any], key: str) -> Any:
    value = conf.get(key)
    return None if isinstance(value, str) and not value.strip() else value


def _asked(train: Train, service: Service, conf: Mapping[str, Any]) -> dict[str, Any]:
    """The params as a lone release of that service would have them."""
    asked = {key: conf.get(key) for key in (*_SHARED, "plan_only")}
    asked |= {"build": conf.get(build_key(service.service)), "plan": conf.get(plan_key(service.service))}
    return asked | ({"window_override": conf.get("window_override")} if service.has_windows else {})


def _regions(train: Train, conf: Mapping[str, Any], faults: list[str]) -> tuple[str, ...]:
    given = _given(conf, "regions")
    if given is None or given == []:
        return train.regions
    if not isinstance(given, (list, tuple)):
        faults.append(f'regions: {shown(given)} is not a list, like ["{train.regions[0]}"]')
        return ()
    wrong = [name for name in given[:32] if name not in train.regions]
    faults += [
        f"regions: {shown(each)} is not a region; {nearest(str(each), train.regions)}" for each in wrong
    ]
    return tuple(name for name in train.regions if name in given)


def _policy(train: Train, conf: Mapping[str, Any], faults: list[str]) -> OnFailure:
    given = _given(conf, "on_failure")
    if given is None:
        return train.spec.on_failure
    refusal = refusal_of_policy(given, train.policies)
    if refusal is not None:
        faults.append(f"on_failure: {refusal}")
        return train.spec.on_failure
    return OnFailure(given)


def train_schema(train: Train) -> dict[str, dict[str, Any]]:
    """Give the JSON Schema of each param of the train's DAG, in the order of the form."""
    first = params_schema(train.services[0])
    schema = {build_key(service.service): _build_schema(service) for service in train.services}
    schema |= {key: first[key] for key in _SHARED}
    schema["regions"] = _regions_schema(train)
    schema["on_failure"] = _on_failure_schema(train)
    schema["plan_only"] = first["plan_only"]
    schema |= {plan_key(each.service): _plan_schema(each) for each in train.services}
    for service in _with_windows(train)[:1]:
        schema["window_override"] = params_schema(service)["window_override"]
    return schema


def _regions_schema(train: Train) -> dict[str, Any]:
    names = list(train.regions)
    return {
        "default": [],
        "type": ["null", "array"],
        "items": {"type": "string", "enum": names},
        "uniqueItems": True,
        "examples": names,
        "title": "Regions",
        "description": f"Only these, in the order of the train; empty means all: {', '.join(names)}.",
        "section": "Where",
    }


def _on_failure_schema(train: Train) -> dict[str, Any]:
    return {
        "default": train.spec.on_failure.value,
        "type": "string",
        "enum": [each.value for each in train.policies],
        "values_display": {each.value: _in_words(each) for each in train.policies},
        "title": "If a service fails in a region",
        "description": "What becomes of all services of the train when one is not accepted in a region.",
        "section": "How",
    }


def _plan_schema(service: Service) -> dict[str, Any]:
    return params_schema(service)["plan"] | {"title": f"Bound to plan of {service.service}"}


def _in_words(policy: OnFailure) -> str:
    if policy is OnFailure.ROLL_BACK_REGION:
        return "Roll back all services in the region that failed"
    if policy is OnFailure.ROLL_BACK_RELEASE:
        return "Roll back all services in every region done so far"
    return in_words(policy, "region")


def _build_schema(service: Service) -> dict[str, Any]:
    schema = dict(params_schema(service)["build"])
    schema.pop("default", None)  # a lone release may be started by the calendar, a train by somebody only
    where = ", ".join(regions_of(service))
    text = f"The build {service.where_the_build_goes}, in {where}."
    return schema | {"type": "string", "title": f"Build of {service.service}", "description": text}
