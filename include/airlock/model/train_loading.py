"""Reading ``dags/trains/<train>.yaml`` with the services that it names, or every fault with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from include.airlock.errors import SpecError
from include.airlock.model import loading, yaml_tree
from include.airlock.model.loading import Fault
from include.airlock.model.service import Service
from include.airlock.model.service_base import refusal_of_policy
from include.airlock.model.train import (
    Train,
    TrainSpec,
    common_policies,
    merged,
    order_faults,
    regions_of,
)
from include.airlock.model.wording import explain, nearest, place, shown


def load_train(path: Path | str) -> Train:
    """Read and check a train's spec and, from ``services`` beside its folder, those of its services.

    Raises:
        SpecError: one line for each fault of the train's spec; where that is well, those of a service's spec.
    """
    path = Path(path)
    tree = loading.tree_of(loading.read(path), name=path.name, word="train")
    spec, faults = _validated(tree, path.stem)
    if spec is None or faults:
        raise SpecError(loading.report(path.name, faults))
    folder = path.parent.parent / "services"
    missing = _missing(spec, tree, sorted(found.stem for found in folder.glob("*.yaml")))
    if missing:
        raise SpecError(loading.report(path.name, missing))
    services = tuple(loading.load_service(folder / f"{name}.yaml") for name in spec.services)
    regions = spec.regions or merged(regions_of(service) for service in services)
    faults = [*_order(spec, tree, services, regions), *_policy(spec, tree, services)]
    if faults:
        raise SpecError(loading.report(path.name, faults))
    return Train(spec, services, regions)


def _validated(tree: yaml_tree.Tree, stem: str) -> tuple[TrainSpec | None, list[Fault]]:
    faults: list[Fault] = list(tree.faults)
    given = tree.value.get("train")
    if isinstance(given, str) and given != stem:
        text = f"{shown(given)} must be the file's own name, '{stem}'"
        faults.append((tree.line(("train",)), ("train",), text))
    try:
        return TrainSpec.model_validate(tree.value), faults
    except ValidationError as error:
        return None, [*faults, *(_fault(each, tree) for each in error.errors(include_url=False))]


def _fault(error: Any, tree: yaml_tree.Tree) -> Fault:
    loc = loading.in_file(place(error), tree)
    if error["type"] == "extra_forbidden":
        return tree.line(loc), loc[:-1], explain(error, TrainSpec.model_fields)
    return tree.line(loc), loc, explain(error)


def _missing(spec: TrainSpec, tree: yaml_tree.Tree, known: list[str]) -> list[Fault]:
    faults: list[Fault] = []
    if f"train_{spec.train}" in known:
        text = f"there is a service 'train_{spec.train}'; the DAGs that roll them back would have one name"
        faults.append((tree.line(("train",)), ("train",), text))
    for index, name in enumerate(spec.services):
        at = ("services", index)
        if name not in known:
            faults.append((tree.line(at), at, f"there is no service {shown(name)}; {nearest(name, known)}"))
    return faults


def _order(
    spec: TrainSpec, tree: yaml_tree.Tree, services: tuple[Service, ...], regions: tuple[str, ...]
) -> list[Fault]:
    faults: list[Fault] = []
    for region, sentence in order_faults(services, regions):
        given = spec.regions or ()
        at: yaml_tree.Path = ("regions", given.index(region)) if region in given else ("regions",)
        where = at if spec.regions else ("services",)
        more = "" if spec.regions else "; name the train's regions in an order that suits all"
        faults.append((tree.line(where), where, sentence + more))
    return faults


def _policy(spec: TrainSpec, tree: yaml_tree.Tree, services: tuple[Service, ...]) -> list[Fault]:
    common = common_policies(services)
    if spec.on_failure in common:
        return []
    at = ("on_failure",)
    refusal = refusal_of_policy(spec.on_failure.value, common)
    lacking = [service.service for service in services if spec.on_failure not in service.policies]
    why = f"; {', '.join(lacking)} can't" if lacking else ""
    return [(tree.line(at), at, f"{refusal}{why}")]
