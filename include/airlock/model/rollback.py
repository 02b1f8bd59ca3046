"""Undoing a release in one act: what is asked for, what each place says of its way back, and the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.errors import RequestError
from include.airlock.model.fields import Text
from include.airlock.model.service import Service
from include.airlock.model.wording import nearest, shown

REASON = Text(500, several_lines=True)
RELEASE = Text(250)
SHORTEST_REASON = 3
KEYS = ("reason", "release", "regions", "dry")


@dataclass(frozen=True)
class RollbackRequest:
    """The wish to undo a release of a service.

    ``release`` is the run id of the release; None means the last one that changed anything.
    ``regions`` are the places to undo, in the order of the spec. ``dry``: only say what would be done.
    """

    reason: str
    regions: tuple[str, ...]
    release: str | None = None
    dry: bool = False

    @classmethod
    def of(cls, service: Service, conf: Mapping[str, Any]) -> RollbackRequest:
        """Read the params of a DAG run; None and blank text count as not given.

        Raises:
            RequestError: one sentence that names every fault.
        """
        faults: list[str] = []
        reason = _text(conf, "reason", REASON, faults)
        if not faults and (reason is None or len(reason) < SHORTEST_REASON):
            faults.append(f"reason: say why, in {SHORTEST_REASON} characters or more")
        dry = conf.get("dry")
        if dry is not None and not isinstance(dry, bool):
            faults.append(f"dry: {shown(dry)} is neither true nor false")
        request = cls(
            reason=reason or "",
            regions=_regions(service, conf.get("regions"), faults),
            release=_text(conf, "release", RELEASE, faults),
            dry=dry is True,
        )
        faults += [f"unknown key {shown(key)}; {nearest(str(key), KEYS)}" for key in conf if key not in KEYS]
        if faults:
            raise RequestError(f"can't roll {service.service} back: {'; '.join(faults)}")
        return request


def _text(conf: Mapping[str, Any], key: str, kind: Text, faults: list[str]) -> str | None:
    value = conf.get(key)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        faults.append(f"{key}: {shown(value)} is not text")
        return None
    try:
        return kind.check(value)
    except PydanticCustomError as error:
        faults.append(f"{key}: {error.message()}")
        return None


def _regions(service: Service, given: object, faults: list[str]) -> tuple[str, ...]:
    valid = service.places
    if given is None or given == []:
        return valid
    if not isinstance(given, (list, tuple)):
        faults.append(f'regions: {shown(given)} is not a list, like ["{valid[0]}"]')
        return ()
    for name in given[:32]:
        if name not in valid:
            near = nearest(str(name), valid)
            faults.append(f"regions: {shown(name)} is not a {service.place_word}; {near}")
    return tuple(name for name in valid if name in given)


class Way(StrEnum):
    """How a place would get its old build back."""

    INSTANT = "instant"
    """The old build stands by: one swap, one change of weights."""
    REDEPLOY = "redeploy"
    """The old build is deployed again first."""
    DONE = "done"
    """It serves its old build already; that is proved once more."""
    NONE = "none"
    """It can't be brought back by this service's rollback; the text says what to do."""


@dataclass(frozen=True)
class Outlook:
    """What a look says of one place's way back; ``text`` is a sentence for people."""

    way: Way
    text: str


def report(places: Sequence[tuple[str, Outlook]]) -> str:
    """One line a place, in the order in which they are brought back."""
    words = {
        Way.INSTANT: "at once",
        Way.REDEPLOY: "by a deploy",
        Way.DONE: "is back",
        Way.NONE: "not possible",
    }
    return "\n".join(f"  - {name}: {words[outlook.way]}: {outlook.text}" for name, outlook in places)


def rollback_schema(service: Service) -> dict[str, dict[str, Any]]:
    """The JSON Schema of each param of the rollback's DAG, in the order of the form."""
    names = list(service.places)
    return {
        "reason": {
            "type": "string",
            "minLength": SHORTEST_REASON,
            "maxLength": REASON.longest,
            "format": "multiline",
            "title": "Reason",
            "description": "Why it is rolled back. The service stays locked with this reason.",
        },
        "release": {
            "default": None,
            "type": ["null", "string"],
            "maxLength": RELEASE.longest,
            "title": "Release",
            "description": "Run id of the release to undo; empty means the last one that changed anything.",
        },
        "dry": {
            "default": False,
            "type": "boolean",
            "title": "Only say what would be done",
            "description": "Look at every place and say how it would be brought back; touch nothing.",
        },
        "regions": {
            "default": [],
            "type": ["null", "array"],
            "items": {"type": "string", "enum": names},
            "uniqueItems": True,
            "examples": names,
            "title": f"{service.place_word.capitalize()}s",
            "description": "Only these; empty means all that the release has changed.",
            "section": "Where",
        },
    }
