"""What somebody asks for: which build of a service, where, why, and what to do if it goes wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.errors import RequestError
from include.airlock.model.expressions import compiled
from include.airlock.model.fields import BUILD_PATTERN, Checked, Text, Word
from include.airlock.model.record import Phase, ReleaseRecord
from include.airlock.model.refresh import TAG_PATTERN
from include.airlock.model.service import OnFailure, Service
from include.airlock.model.service_base import WhenClosed, refusal_of_policy
from include.airlock.model.wording import nearest, shown

BUILD = Word(
    BUILD_PATTERN,
    "a letter or digit, then letters, digits, '.', '_', '+' and '-'",
    longest=64,
    example="2026.11.2",
)
CHANGE_REQUEST = Word(
    r"[A-Za-z0-9][A-Za-z0-9._/#:-]*",
    "a letter or digit, then letters, digits, '.', '_', '/', '#', ':' and '-'",
    longest=64,
    example="CHG-1001",
)
REASON = Text(500, several_lines=True)
WINDOW_OVERRIDE = REASON
REQUESTED_BY = Text(200)

KEYS = (
    "build",
    "change_request",
    "regions",
    "on_failure",
    "refresh_build",
    "reason",
    "window_override",
)


@dataclass(frozen=True)
class ChangeRequest:
    """The approved wish to release one build of one service.

    ``regions`` holds the names of the asked places (regions, or farms in regions), in the order of the
    spec. ``refresh_build`` is what staging slots get afterwards; None means the released build.
    ``window_override`` says why windows and freezes do not hold for this release.
    """

    build: str
    regions: tuple[str, ...]
    on_failure: OnFailure
    change_request: str | None = None
    refresh_build: str | None = None
    reason: str | None = None
    window_override: str | None = None
    requested_by: str | None = None

    @classmethod
    def of(
        cls, service: Service, conf: Mapping[str, Any], *, requested_by: str | None = None
    ) -> ChangeRequest:
        """Read a change request from a DAG run's params; None and blank text count as not given.

        Raises:
            RequestError: one sentence that names every fault.
        """
        asked = _Asked(conf, [])
        request = cls(
            build=asked.build(service, "build") or "",
            regions=asked.regions(service),
            on_failure=asked.on_failure(service),
            change_request=asked.text("change_request", CHANGE_REQUEST),
            refresh_build=asked.refresh_build(service),
            reason=asked.text("reason", REASON),
            window_override=asked.window_override(service),
            requested_by=_shortened(requested_by),
        )
        asked.refuse_unknown()
        if asked.get("build") is None:
            asked.faults.insert(0, "build: is missing")
        if asked.faults:
            raise RequestError(f"can't release {service.service}: {'; '.join(asked.faults)}")
        return request

    @classmethod
    def proposed(cls, record: ReleaseRecord) -> ChangeRequest:
        """Give the change request of a scheduled start, as its first step stored it in the record."""
        return cls(
            build=record.build,
            regions=tuple(each.name for each in record.regions if each.phase is not Phase.NOT_ASKED),
            on_failure=OnFailure(record.on_failure),
            reason=record.reason,
        )


def _shortened(requested_by: str | None) -> str | None:
    """Keep a name only if it can be shown: Airflow gives it, and nobody can mend it at the form."""
    try:
        return REQUESTED_BY.check(requested_by) if requested_by else None
    except PydanticCustomError:
        return None


@dataclass(frozen=True)
class _Asked:
    """The params as given, and the faults found so far."""

    conf: Mapping[str, Any]
    faults: list[str]

    def get(self, key: str) -> Any:
        value = self.conf.get(key)
        return None if isinstance(value, str) and not value.strip() else value

    def text(self, key: str, kind: Checked) -> str | None:
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.faults.append(f"{key}: {shown(value)} is not text")
            return None
        try:
            return kind.check(value.strip())
        except PydanticCustomError as error:
            self.faults.append(f"{key}: {error.message()}")
            return None

    def build(self, service: Service, key: str) -> str | None:
        build = self.text(key, BUILD)
        if build is None:
            return None
        pattern = service.build_pattern
        if pattern is not None and not compiled(pattern).fullmatch(build):
            self.faults.append(f"{key}: {shown(build)} does not match this service's pattern {pattern}")
        return build

    def refresh_build(self, service: Service) -> str | None:
        given = self.get("refresh_build")
        build = self.build(service, "refresh_build")
        if service.refresh is None:
            if given is not None:
                self.faults.append("refresh_build: the spec of this service has no refresh")
        elif service.refresh.container is not None:
            tag = self.get("build") if given is None else build
            if isinstance(tag, str) and not re.fullmatch(TAG_PATTERN, tag.strip()):
                self.faults.append(f"refresh_build: {shown(tag)} can't be an image's tag")
        return build

    def window_override(self, service: Service) -> str | None:
        if service.has_windows:
            return self.text("window_override", WINDOW_OVERRIDE)
        if self.get("window_override") is not None:
            self.faults.append("window_override: the spec of this service has no windows or freezes")
        return None

    def regions(self, service: Service) -> tuple[str, ...]:
        valid = service.places
        given = self.get("regions")
        if given is None or given == []:
            return valid
        if not isinstance(given, (list, tuple)):
            self.faults.append(f'regions: {shown(given)} is not a list, like ["{valid[0]}"]')
            return ()
        for region in given[:32]:
            if region not in valid:
                near = nearest(str(region), valid)
                self.faults.append(f"regions: {shown(region)} is not a {service.place_word}; {near}")
        return tuple(name for name in valid if name in given)

    def on_failure(self, service: Service) -> OnFailure:
        given = self.get("on_failure")
        if given is None:
            return service.on_failure
        refusal = refusal_of_policy(given, service.policies)
        if refusal is not None:
            self.faults.append(f"on_failure: {refusal}")
            return service.on_failure
        return OnFailure(given)

    def refuse_unknown(self) -> None:
        for key in list(self.conf)[:32]:
            if key not in KEYS:
                self.faults.append(f"unknown key {shown(key)}; {nearest(str(key), KEYS)}")


def _in_words(policy: OnFailure, place: str) -> str:
    return {
        OnFailure.HALT: "Halt: leave everything as it is",
        OnFailure.ROLL_BACK_MACHINE: "Roll back the machine that failed",
        OnFailure.ROLL_BACK_REGION: f"Roll back the {place} that failed",
        OnFailure.ROLL_BACK_RELEASE: f"Roll back every {place} done so far",
    }[policy]


def params_schema(service: Service) -> dict[str, dict[str, Any]]:
    """Give the JSON Schema of each param of the release's DAG, in the order of the form.

    A param without ``default`` is required. ``section`` and ``values_display`` are Airflow's own
    words for its form (Airflow documentation, "Use Params to Provide a Trigger UI Form").
    ``refresh_build`` is left out where the strategy has no staging slots, ``window_override`` where
    the spec has neither windows nor freezes.
    """
    return {
        "build": {
            **_build_schema(service),
            "type": "string",
            "title": "Build",
            "description": f"The build {service.where_the_build_goes}.",
            **_scheduled_build(service),
        },
        "change_request": {
            **_without_examples(CHANGE_REQUEST.json()),
            "default": None,
            "type": ["null", "string"],
            "title": "Change request",
            "description": "Id of the approved change, e.g. CHG-1001.",
        },
        "reason": {
            "default": None,
            "type": ["null", "string"],
            "maxLength": REASON.longest,
            "format": "multiline",
            "title": "Reason",
            "description": "Why it is released, in a sentence; shown to everybody who is told.",
        },
        "regions": _regions_schema(service),
        "on_failure": _on_failure_schema(service),
        **_override_schema(service),
        **_refresh_schema(service),
    }


def _scheduled_build(service: Service) -> dict[str, Any]:
    """A DAG with a schedule may have no required param (Airflow); the preflight asks for the build then."""
    if service.scheduled is None:
        return {}
    text = f"The build {service.where_the_build_goes}. Needed: only a start by the calendar finds it itself."
    return {"default": None, "type": ["null", "string"], "description": text}


def _override_schema(service: Service) -> dict[str, dict[str, Any]]:
    if not service.has_windows:
        return {}
    then = "the release stops before it" if service.when_closed is WhenClosed.STOP else "it waits"
    schema = {
        "default": None,
        "type": ["null", "string"],
        "maxLength": WINDOW_OVERRIDE.longest,
        "format": "multiline",
        "title": "Release outside the windows because",
        "description": f"A reason here opens every window and freeze for this release; it is recorded and "
        f"told. Empty: where a {service.place_word} does not fit before its window closes, {then}.",
        "section": "Windows",
    }
    return {"window_override": schema}


def _on_failure_schema(service: Service) -> dict[str, Any]:
    place = service.place_word
    return {
        "default": service.on_failure.value,
        "type": "string",
        "enum": [each.value for each in service.policies],
        "values_display": {each.value: _in_words(each, place) for each in service.policies},
        "title": f"If a {place} fails",
        "description": f"What becomes of the release when a {place} is not accepted.",
        "section": "How",
    }


def _refresh_schema(service: Service) -> dict[str, dict[str, Any]]:
    if "refresh" not in type(service).model_fields:
        return {}
    schema = {
        **_build_schema(service),
        "default": None,
        "type": ["null", "string"],
        "title": "Refresh staging with",
        "description": "Build for the staging slots afterwards; empty means the released build.",
        "section": "Afterwards",
    }
    return {"refresh_build": schema}


def _build_schema(service: Service) -> dict[str, Any]:
    schema = _without_examples(BUILD.json())
    pattern = service.build_pattern
    return schema if pattern is None else schema | {"pattern": f"^(?:{pattern})$"}


def _without_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """Airflow's form makes a list to choose from out of examples; a free text field must have none."""
    return {key: value for key, value in schema.items() if key != "examples"}


def _regions_schema(service: Service) -> dict[str, Any]:
    names = list(service.places)
    return {
        "default": [],
        "type": ["null", "array"],
        "items": {"type": "string", "enum": names},
        "uniqueItems": True,
        "examples": names,
        "title": f"{service.place_word.capitalize()}s",
        "description": f"Only these, in the order of the spec; empty means all: {', '.join(names)}.",
        "section": "Where",
    }
