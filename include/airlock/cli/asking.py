"""What ``airlock release`` asks for: the run's id, its params and its moment, checked before it is sent."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.cli.ending import bad_input
from include.airlock.cli.facts import DagFacts, Run
from include.airlock.cli.reach import RELEASE, TRAIN
from include.airlock.cli.specs import service_of
from include.airlock.cli.text import moment, plain
from include.airlock.cli.trains import build_faults, train_params
from include.airlock.model.change_request import BUILD, CHANGE_REQUEST, PLAN, REASON
from include.airlock.model.fields import Checked
from include.airlock.model.opening import Open
from include.airlock.model.wording import nearest, shown

NEXT_WINDOW = "next-window"

# Airflow's run ids have no '/' and no '#', change requests have no '~' and no '+': two ids stay two.
_IN_A_RUN_ID = str.maketrans({"/": "~", "#": "+"})


def run_id_of(change_request: str | None, build: str, now: datetime) -> str:
    """The release's run id: the change request's, so that it can't be released twice, else build and time."""
    if change_request is not None:
        return change_request.translate(_IN_A_RUN_ID)
    return f"{build}_{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True)
class Wish:
    """What is asked for: of which service or train, by which DAG, under which run id, with which params."""

    name: str
    dag_id: str
    run_id: str
    params: Mapping[str, Any]


def wish_of(options: argparse.Namespace, now: datetime) -> Wish:
    """Read a release of a service, or of a train with ``--train``.

    Raises:
        CannotGoOn: what is given does not go together, or is malformed.
    """
    name, params = subject_of(options)
    if options.train is None:
        run_id = run_id_of(params.get("change_request"), params["build"], now)
        return Wish(name, f"{RELEASE}{name}", run_id, params)
    if options.at == NEXT_WINDOW:
        raise bad_input(f"--at: {NEXT_WINDOW} is for one service; give a moment, see airlock window")
    # Airflow's own ids look like this: it stands for no change request.
    run_id = run_id_of(params.get("change_request"), "train_", now)
    return Wish(name, f"{TRAIN}{name}", run_id, params)


def subject_of(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The name of the service or train that is asked for, and the params of its DAG.

    Raises:
        CannotGoOn: what is given does not go together, or is malformed.
    """
    plans = getattr(options, "plans", None) or ()
    if options.train is None:
        if options.service is None or options.build is None or options.builds:
            raise bad_input(
                "a release is of a service and a build, or of a --train with --build for each service"
            )
        if len(plans) > 1:
            raise bad_input("--plan: one release is bound to one plan")
        return options.service, _params_of(options, *plans)
    if options.service is not None:
        raise bad_input(
            f"{shown(options.service)}: the services of a train and their builds are given by --build"
        )
    return options.train, _params_of(options) | train_params(options.builds or (), plans)


def _params_of(options: argparse.Namespace, plan: str | None = None) -> dict[str, Any]:
    """The params of the release's DAG, without what was not given.

    Raises:
        CannotGoOn: one is malformed; every fault is named.
    """
    faults: list[str] = []
    given: dict[str, Any] = {
        "build": _checked("build", BUILD, options.build, faults),
        "change_request": _checked(
            "--change-request", CHANGE_REQUEST, getattr(options, "change_request", None), faults
        ),
        "reason": _checked("--reason", REASON, options.reason, faults),
        "refresh_build": _checked("--refresh-build", BUILD, options.refresh_build, faults),
        "window_override": _checked("--window-override", REASON, options.window_override, faults),
        "plan": _checked("--plan", PLAN, plan, faults),
        "on_failure": options.on_failure,
        "regions": list(dict.fromkeys(options.region or ())) or None,
    }
    if faults:
        raise bad_input("; ".join(faults))
    return {key: value for key, value in given.items() if value is not None}


def _checked(name: str, kind: Checked, value: str | None, faults: list[str]) -> str | None:
    if value is None:
        return None
    try:
        return kind.check(value.strip())
    except PydanticCustomError as error:
        faults.append(f"{name}: {error.message()}")
        return None


def check_choices(facts: DagFacts, params: Mapping[str, Any]) -> None:
    """Refuse a region or a policy that the DAG's form does not have.

    Raises:
        CannotGoOn: names the nearest valid word.
    """
    asked = [("--region", "regions", each) for each in params.get("regions", ())]
    asked += [("--on-failure", "on_failure", params["on_failure"])] if "on_failure" in params else []
    faults = [
        f"{option}: {shown(value)} is not one of {facts.dag_id}'s; {nearest(value, facts.choices(param))}"
        for option, param, value in asked
        if facts.choices(param) and value not in facts.choices(param)
    ]
    # Airflow does not refuse a param that the DAG hasn't; the release would, but only after it has started.
    if params.get("regions") and "regions" not in facts.params:
        faults.append(f"--region: {facts.dag_id} undoes all regions at once")
    if "refresh_build" in params and "refresh_build" not in facts.params:
        faults.append(f"--refresh-build: {facts.dag_id} refreshes no staging slots with another build")
    if "window_override" in params and "window_override" not in facts.params:
        faults.append(f"--window-override: {facts.dag_id} has no windows")
    if facts.dag_id.startswith(TRAIN):
        faults += build_faults(facts, params)
    if "plan_only" in params and "plan_only" not in facts.params:
        faults.append(f"{facts.dag_id} can't be planned")
    if "plan" in params and "plan" not in facts.params:
        faults.append(f"--plan: {facts.dag_id} can't be bound to a plan")
    if faults:
        raise bad_input("; ".join(faults))


def start_of(options: argparse.Namespace, now: datetime) -> datetime | None:
    """When the release may start: None for now, else the moment of ``--at``.

    Raises:
        CannotGoOn: it is no moment to come, or there is no next window.
    """
    if options.at is None:
        return None
    if options.at == NEXT_WINDOW:
        return _next_window(options, now)
    try:
        at = datetime.fromisoformat(options.at)
    except ValueError:
        raise bad_input(
            f"--at: {shown(options.at)} is neither '{NEXT_WINDOW}' nor a moment like 2026-11-03T20:00+00:00"
        ) from None
    if at.tzinfo is None:
        raise bad_input(
            f"--at: {options.at} has no time zone; write {options.at}+00:00 or {options.at}Z for UTC"
        )
    if at <= now:
        raise bad_input(f"--at: {moment(at)} is over; without --at the release starts now")
    return at.astimezone(UTC)


def _next_window(options: argparse.Namespace, now: datetime) -> datetime:
    """The next opening of the first asked place, by the spec on disk; doors that are open close first."""
    service = service_of(options, options.service)
    asked = [place for place in service.places if not options.region or place in options.region]
    if not asked:
        near = nearest(options.region[0], service.places)
        raise bad_input(f"--region: {shown(options.region[0])} is not a {service.place_word}; {near}")
    calendar = service.calendar(asked[0])
    opens = calendar.next_opening(now)
    if opens is not None:
        return opens
    if isinstance(calendar.open_at(now), Open):
        raise bad_input(f"--at: {asked[0]} has no windows and may be released at any time; leave --at out")
    raise bad_input(f"--at: {asked[0]} does not open within ten years; see airlock window {service.service}")


def same_wish(run: Run, params: Mapping[str, Any]) -> None:
    """A change request is released once: what is there must be what is asked for now.

    Raises:
        CannotGoOn: it is for something else.
    """
    for key in ("build", "regions", *(key for key in run.conf if key.startswith("build_"))):
        there, asked = run.conf.get(key) or None, params.get(key)
        if there != asked:
            was = plain(", ".join(there) if isinstance(there, list) else there or "all", 200)
            raise bad_input(
                f"{run.run_id} was already asked for with other {key}: {was}; another wish needs another "
                "change request"
            )
