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
    return parse_service(read(path), name=path.name)


def parse_service(text: str, *, name: str) -> Service:
    """Read a spec from its text; ``name`` is the file's name, whose stem must be the service's.

    Raises:
        SpecError: as ``load_service``.
    """
    tree = tree_of(text, name=name, word="service")
    service, faults = _validate(tree, Path(name).stem)
    if service is None or faults:
        raise SpecError(report(name, faults))
    return service


def tree_of(text: str, *, name: str, word: str) -> yaml_tree.Tree:
    """Read a spec's text as a mapping of keys; ``word`` is the key that it starts with.

    Raises:
        SpecError: it is no YAML, or no mapping.
    """
    try:
        tree = yaml_tree.parse(text)
    except yaml_tree.NotYaml as error:
        raise SpecError(f"{name}:{error.line}: {error}") from None
    if tree.value is None:
        raise SpecError(f"{name}:1: the file is empty; a spec starts with '{word}: {Path(name).stem}'")
    if not isinstance(tree.value, dict):
        raise SpecError(
            f"{name}:{tree.line(())}: a spec is a mapping of keys, like '{word}: {Path(name).stem}'"
        )
    return tree


def read(path: Path) -> str:
    """Give the text of a spec's file.

    Raises:
        SpecError: it can't be read, is too large or is not UTF-8.
    """
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


Fault = tuple[int, yaml_tree.Path, str]
"""The line of a fault, its path in the file, and a sentence."""


def _validate(tree: yaml_tree.Tree, stem: str) -> tuple[Service | None, list[Fault]]:
    """Give the service, or None, and every fault; there may be faults although the models are content."""
    content, faults = dict(tree.value), list(tree.faults)
    faults += _strategy_faults(content, tree)
    strategy = content.get("strategy")
    known = isinstance(strategy, str) and strategy in STRATEGIES
    # With a wrong strategy the rest is still checked, as the likeliest strategy's, for its other faults.
    word = str(strategy) if known else _likeliest(content)
    service, found = _checked(content, word, tree)
    faults += found
    given = content.get("service")
    if isinstance(given, str) and given != stem:
        faults.append(
            (tree.line(("service",)), ("service",), f"{shown(given)} must be the file's own name, '{stem}'")
        )
    return service, faults


def _checked(content: dict[str, Any], word: str, tree: yaml_tree.Tree) -> tuple[Service | None, list[Fault]]:
    """Read the content as a spec of that strategy."""
    model = STRATEGIES[word]
    try:
        return model.model_validate({**content, "strategy": word}), []
    except ValidationError as error:
        found = [each for each in error.errors(include_url=False) if not _echo(each)]
        return None, [_fault(each, tree, model) for each in found]


def _likeliest(content: dict[str, Any]) -> str:
    """Give the strategy that was probably meant: by its name, else by the keys that it alone knows."""
    from difflib import get_close_matches

    close = get_close_matches(str(content.get("strategy"))[:100], STRATEGIES, n=1, cutoff=0.55)
    return close[0] if close else max(STRATEGIES, key=lambda word: _known_keys(content, STRATEGIES[word]))


def _known_keys(content: dict[str, Any], model: type[ServiceBase]) -> int:
    """Count the keys that a strategy knows, of the spec and of its regions."""
    regions = content.get("regions")
    found = sum(key in model.model_fields for key in content)
    for region in regions if isinstance(regions, list) else ():
        found += sum(key in _keys(model, ("regions",)) for key in region) if isinstance(region, dict) else 0
    return found


def _echo(error: ErrorDetails) -> bool:
    """Say whether a list only counts as too short because its items are wrong, which is said already."""
    given = error["input"]
    least = error.get("ctx", {}).get("min_length", 0)
    return error["type"] == "too_short" and isinstance(given, list) and len(given) >= least


def _strategy_faults(content: dict[str, Any], tree: yaml_tree.Tree) -> Iterator[Fault]:
    given = content.get("strategy")
    at = (tree.line(("strategy",)), ("strategy",))
    if "strategy" not in content:
        yield (*at, f"is missing; valid: {one_of(STRATEGIES)}")
    elif not isinstance(given, str):
        yield (*at, f"{shown(given)} is not a strategy; valid: {one_of(STRATEGIES)}")
    elif given not in STRATEGIES:
        yield (*at, f"{shown(given)} is not a strategy; {nearest(given, STRATEGIES)}")


def _fault(error: ErrorDetails, tree: yaml_tree.Tree, model: type[ServiceBase]) -> Fault:
    loc = in_file(place(error), tree)
    if error["type"] != "extra_forbidden":
        return tree.line(loc), loc, explain(error)
    # The sentence names the unknown key; the path is that of the mapping it stands in.
    return (
        tree.line(loc),
        loc[:-1],
        _elsewhere(error, model) or explain(error, _keys(model, error["loc"][:-1])),
    )


def _elsewhere(error: ErrorDetails, model: type[ServiceBase]) -> str | None:
    """Say that another strategy's spec has that key in the same place; None when none has."""
    *at, key = error["loc"]
    words = [word for word, each in STRATEGIES.items() if each is not model and key in _keys(each, tuple(at))]
    return f"{shown(key)} is only for the strategy {one_of(words)}" if words else None


def in_file(loc: yaml_tree.Path, tree: yaml_tree.Tree) -> yaml_tree.Path:
    """Drop the parts of a path that are not in the file, like a union's tag; its end may be a missing key."""
    here: yaml_tree.Path = ()
    for part in loc[:-1]:
        here = (*here, part) if tree.has((*here, part)) else here
    return (*here, *loc[-1:])


def _keys(model: type[BaseModel], loc: yaml_tree.Path) -> list[str]:
    """Give the valid keys of the mapping that a validation error's path leads to, if it leads anywhere."""
    models: list[type[BaseModel]] = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        fields = [each.model_fields[part] for each in models if part in each.model_fields]
        if fields:
            models = [found for each in fields for found in _models(each.annotation)]
        else:
            models = [each for each in models if part in _tags(each)]
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


def report(name: str, faults: list[Fault]) -> str:
    """Give one line for each fault, in the order of the file."""
    lines = []
    for line, path, sentence in sorted(faults, key=lambda each: each[0])[:MAX_FAULTS]:
        where = _dotted(path)
        lines.append(f"{name}:{line}: {where + ': ' if where else ''}{sentence}")
    if len(faults) > MAX_FAULTS:
        lines.append(f"{name}: and {len(faults) - MAX_FAULTS} more faults")
    return "\n".join(lines)
