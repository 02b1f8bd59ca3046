"""What somebody asks for: which build of a service, where, why, and what to do if it goes wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from pydantic_core import PydanticCustomError

from include.airlock.errors import RequestError
from include.airlock.model.expressions import compiled
from include.airlock.model.fields import BUILD_PATTERN, Checked, Text, Word
from include.airlock.model.refresh import TAG_PATTERN
from include.airlock.model.service import OnFailure, Service
from include.airlock.model.service_base import refusal_of_policy
from include.airlock.model.wording import nearest, shown

if TYPE_CHECKING:
    from include.airlock.model.record import ReleaseRecord

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
PLAN = Word(
    r"[0-9a-f]{16}",
    "a plan's hash has 16 digits of 0 to 9 and a to f",
    longest=16,
    example="3f2a9c01d4e5b687",
)

_OF_AIRFLOW = re.compile(r"[a-z]+(?:_[a-z]+)*__")
"""How Airflow begins the run ids that it makes itself: ``manual__``, ``asset_triggered__``."""
_FROM_A_RUN_ID = str.maketrans({"~": "/", "+": "#"})
"""Airflow's run ids have no ``/`` and no ``#``; the command line writes these instead."""

KEYS = (
    "build",
    "change_request",
    "regions",
    "on_failure",
    "refresh_build",
    "reason",
    "window_override",
    "plan_only",
    "plan",
)


@dataclass(frozen=True)
class ChangeRequest:
    """The approved wish to release one build of one service.

    ``regions`` holds the names of the asked places (regions, or farms in regions), in the order of the
    spec. ``refresh_build`` is what staging slots get afterwards; None means the released build.
    ``window_override`` says why windows and freezes do not hold for this release. ``plan_only``: say what
    would be done, do nothing. ``plan`` is the hash of the plan that the release is bound to.
    """

    build: str
    regions: tuple[str, ...]
    on_failure: OnFailure
    change_request: str | None = None
    refresh_build: str | None = None
    reason: str | None = None
    window_override: str | None = None
    requested_by: str | None = None
    plan_only: bool = False
    plan: str | None = None

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
            plan_only=asked.plan_only(),
            plan=asked.plan(),
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
        from include.airlock.model.record import Phase

        return cls(
            build=record.build,
            regions=tuple(each.name for each in record.regions if each.phase is not Phase.NOT_ASKED),
            on_failure=OnFailure(record.on_failure),
            reason=record.reason,
        )

    def under(self, run_id: str) -> Self:
        """Take the change request from the run's id where none is named and the id stands for one."""
        if self.change_request is not None:
            return self
        return replace(self, change_request=change_request_of(run_id, self.build))

    def misnamed(self, run_id: str) -> str | None:
        """Say that the run's id stands for another change request than the one named, or None."""
        given, named = change_request_of(run_id, self.build), self.change_request
        if given is None or named is None or re.match(rf"{re.escape(named)}(?![A-Za-z0-9])", given):
            return None
        return (
            f"the run's id stands for the change request {given}, and {named} is named; "
            "Airflow refuses a second call by the id alone"
        )


def change_request_of(run_id: str, build: str) -> str | None:
    """Give the change request that a run's id stands for; None where nobody chose it as one.

    Ids that Airflow makes (``manual__…``), those that the command line makes of build and time, and
    words without any digit stand for none.
    """
    text = run_id.translate(_FROM_A_RUN_ID)
    if _OF_AIRFLOW.match(run_id) or run_id.startswith(f"{build}_") or not re.search("[0-9]", text):
        return None
    try:
        return CHANGE_REQUEST.check(text)
    except PydanticCustomError:
        return None


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

    def plan_only(self) -> bool:
        given = self.get("plan_only")
        if given is not None and not isinstance(given, bool):
            self.faults.append(f"plan_only: {shown(given)} is neither true nor false")
        return given is True

    def plan(self) -> str | None:
        plan = self.text("plan", PLAN)
        if plan is not None and self.get("plan_only") is True:
            self.faults.append("plan: plan_only releases nothing, so there is nothing to bind to a plan")
        return plan

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
