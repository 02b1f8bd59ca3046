"""The form of a release: the JSON Schema of each param, with the words that Airflow shows beside it.

Airflow checks the params by it before a run is made; what a schema can't say, the preflight does.
"""

from __future__ import annotations

from typing import Any

from include.airlock.model.change_request import BUILD, CHANGE_REQUEST, PLAN, REASON, WINDOW_OVERRIDE
from include.airlock.model.expressions import compiled
from include.airlock.model.service import OnFailure, Service
from include.airlock.model.service_base import WhenClosed


def in_words(policy: OnFailure, place: str) -> str:
    """Say what a failure policy does; ``place`` is what people call a lane."""
    return {
        OnFailure.HALT: "Halt: leave everything as it is",
        OnFailure.ROLL_BACK_MACHINE: "Roll back the machine that failed",
        OnFailure.ROLL_BACK_REGION: f"Roll back the {place} that failed",
        OnFailure.ROLL_BACK_RELEASE: f"Roll back every {place} done so far",
        OnFailure.ASK: "Ask: wait for somebody to choose",
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
            "description": f"The build {service.where_the_build_goes}{_like(service)}",
            **_scheduled_build(service),
        },
        "change_request": {
            **_without_examples(CHANGE_REQUEST.json()),
            "default": None,
            "type": ["null", "string"],
            "title": "Change request",
            "description": f"Id of the approved change, like {CHANGE_REQUEST.example}. As the run's id "
            "as well (Advanced Options), it can't be released twice.",
        },
        "reason": {
            "default": None,
            "type": ["null", "string"],
            "maxLength": REASON.longest,
            "format": "multiline",
            "title": "Reason",
            "description": f"Why it is released, in a sentence; shown to everybody who is told. At most "
            f"{REASON.longest} characters.",
        },
        "regions": _regions_schema(service),
        "on_failure": _on_failure_schema(service),
        **_plan_schema(),
        **_override_schema(service),
        **_refresh_schema(service),
    }


def _plan_schema() -> dict[str, dict[str, Any]]:
    return {
        "plan_only": {
            "default": False,
            "type": "boolean",
            "title": "Only plan",
            "description": "Look at everything, say what would be done, how long and how it would go back; "
            "touch nothing, tell nobody.",
            "section": "Plan",
        },
        "plan": {
            **_without_examples(PLAN.json()),
            "default": None,
            "type": ["null", "string"],
            "title": "Bound to plan",
            "description": f"Hash of a plan, e.g. {PLAN.example}: the release stops before touching anything "
            "when the world is not as that plan saw it.",
            "section": "Plan",
        },
    }


def _like(service: Service) -> str:
    """The end of a sentence: what a build looks like, since Airflow's form shows no pattern by itself."""
    pattern = service.build_pattern
    if pattern is None:
        return f", like {BUILD.example}: {BUILD.rule}; at most {BUILD.longest} characters."
    like = f", like {BUILD.example}" if compiled(pattern).fullmatch(BUILD.example) else ""
    return f"{like}. Its pattern is {pattern} here."


def _scheduled_build(service: Service) -> dict[str, Any]:
    """A DAG with a schedule may have no required param (Airflow); the preflight asks for the build then."""
    if service.scheduled is None:
        return {}
    text = f"the build {service.where_the_build_goes}{_like(service)}"
    return {
        "default": None,
        "type": ["null", "string"],
        "description": f"Needed, but for a start by the calendar: {text}",
    }


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
        f"told. Empty: where a {service.place_word} does not fit before its window closes, {then}."
        f"{_windows(service)}",
        "section": "Windows",
    }
    return {"window_override": schema}


def _windows(service: Service) -> str:
    """The service's own windows in a sentence; its regions may have others."""
    return f" Windows: {service.calendar().about}." if service.windows else ""


def _on_failure_schema(service: Service) -> dict[str, Any]:
    place = service.place_word
    return {
        "default": service.on_failure.value,
        "type": "string",
        "enum": [each.value for each in service.policies],
        "values_display": {each.value: in_words(each, place) for each in service.policies},
        "title": f"If a {place} fails",
        "description": f"What becomes of the release when a {place} is not accepted. The spec says: "
        f"{in_words(service.on_failure, place)}.",
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
        "description": f"Only these, always in the order of the spec. Empty: all, {' → '.join(names)}.",
        "section": "Where",
    }
