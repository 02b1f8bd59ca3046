"""Reading ``dags/services/<service>.yaml`` into a ``Service``, or into every fault with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from include.airlock.errors import SpecError
from include.airlock.model import yaml_tree
from include.airlock.model.service import STRATEGIES, Service, ServiceBase
from include.airlock.model.wording import explain, nearest, one_of, place, shown

MAX_FAULTS = 50


def load_service(path: Path | str) -> Service:
    """Read and check the spec of one service.

    Raises:
        SpecError: one line for each fault: ``payments.yaml:14: strategy: 'slot_swp' is not a
            strategy; did you mean 'slot_swap'?``
    """
    path = Path(path)
    return parse_service(_text(path), name=path.name)


def parse_service(text: str, *, name: str) -> Service:
    """Read a spec from its text; ``name`` is the file's name, whose stem must be the service's.

    Raises:
        SpecError: as ``load_service``.
    """
    try:
        tree = yaml_tree.parse(text)
    except yaml_tree.NotYaml as error:
        raise SpecError(f"{name}:{error.line}: {error}") from None
    if tree.value is None:
        raise SpecError(f"{name}:1: the file is empty; a spec starts with 'service: {Path(name).stem}'")
    if not isinstance(tree.value, dict):
        raise SpecError(
            f"{name}:{tree.line(())}: a spec is a mapping of keys, like 'service: {Path(name).stem}'"
        )
    service, faults = _validate(tree, Path(name).stem)
    if service is None or faults:
        raise SpecError(_report(name, faults))
    return service


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(yaml_tree.MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"{path.name}: can't be read: {error.strerror or error}") from None
    if len(content) > yaml_tree.MAX_BYTES:
        raise SpecError(
            f"{path.name}:1: is larger than {yaml_tree.MAX_BYTES // 1024} KiB; a spec is a page or two"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{path.name}:{line}: is not UTF-8 text") from None


_Fault = tuple[int, yaml_tree.Path, str]


def _validate(tree: yaml_tree.Tree, stem: str) -> tuple[Service | None, list[_Fault]]:
    """Give the service, or None, and every fault; there may be faults although the models are content."""
    content, faults = dict(tree.value), list(tree.faults)
    faults += _strategy_faults(content, tree)
    # With a wrong strategy the rest is still checked, as the first strategy's, for its other faults.
    strategy = content.get("strategy")
    model = STRATEGIES.get(strategy) if isinstance(strategy, str) else None
    if model is None:
        model = next(iter(STRATEGIES.values()))
        content["strategy"] = next(iter(STRATEGIES))
    service = None
    try:
        service = model.model_validate(content)
    except ValidationError as error:
        faults += [_fault(each, tree, model) for each in error.errors(include_url=False) if not _echo(each)]
    given = content.get("service")
    if isinstance(given, str) and given != stem:
        faults.append(
            (tree.line(("service",)), ("service",), f"{shown(given)} must be the file's own name, '{stem}'")
        )
    return service, faults


def _echo(error: ErrorDetails) -> bool:
    """Say whether a list only counts as too short because its items are wrong, which is said already."""
    given = error["input"]
    return error["type"] == "too_short" and isinstance(given, list) and len(given) > 0


def _strategy_faults(content: dict[str, Any], tree: yaml_tree.Tree) -> Iterator[_Fault]:
    given = content.get("strategy")
    at = (tree.line(("strategy",)), ("strategy",))
    if "strategy" not in content:
        yield (*at, f"is missing; valid: {one_of(STRATEGIES)}")
    elif not isinstance(given, str):
        yield (*at, f"{shown(given)} is not a strategy; valid: {one_of(STRATEGIES)}")
    elif given not in STRATEGIES:
        yield (*at, f"{shown(given)} is not a strategy; {nearest(given, STRATEGIES)}")


def _fault(error: ErrorDetails, tree: yaml_tree.Tree, model: type[ServiceBase]) -> _Fault:
    loc = _in_file(place(error), tree)
    if error["type"] != "extra_forbidden":
        return tree.line(loc), loc, explain(error)
    # The sentence names the unknown key; the path is that of the mapping it stands in.
    return tree.line(loc), loc[:-1], explain(error, _keys(model, error["loc"][:-1]))


def _in_file(loc: yaml_tree.Path, tree: yaml_tree.Tree) -> yaml_tree.Path:
    """Drop the parts of a path that are not in the file, like a union's tag; its end may be a missing key."""
    here: yaml_tree.Path = ()
    for part in loc[:-1]:
        here = (*here, part) if tree.has((*here, part)) else here
    return (*here, *loc[-1:])


def _keys(model: type[BaseModel], loc: yaml_tree.Path) -> list[str]:
    """Give the valid keys of the mapping that a validation error's path leads to."""
    models: list[type[BaseModel]] = [model]
    for part in loc:
        fields = [each.model_fields[str(part)] for each in models if str(part) in each.model_fields]
        if fields:
            models = [found for each in fields for found in _models(each.annotation)]
        elif isinstance(part, str):
            models = [each for each in models if part in _tags(each)] or models
    return list(dict.fromkeys(key for each in models for key in each.model_fields))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    """Give the values of ``format`` that choose this model among its siblings."""
    return get_args(model.model_fields["format"].annotation) if "format" in model.model_fields else ()


def _dotted(path: yaml_tree.Path) -> str:
    """Give 'regions[1].slot' for a path; keys come from the file, so they are escaped and shortened."""
    dotted = ""
    for part in path:
        dotted += f"[{part}]" if isinstance(part, int) else f".{shown(part)[1:-1]}"
    return dotted.removeprefix(".")


def _report(name: str, faults: list[_Fault]) -> str:
    lines = []
    for line, path, sentence in sorted(faults, key=lambda each: each[0])[:MAX_FAULTS]:
        where = _dotted(path)
        lines.append(f"{name}:{line}: {where + ': ' if where else ''}{sentence}")
    if len(faults) > MAX_FAULTS:
        lines.append(f"{name}: and {len(faults) - MAX_FAULTS} more faults")
    return "\n".join(lines)
