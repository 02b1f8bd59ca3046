"""From the page that came back to a verdict.

``read`` takes from a page what it says and ``judge`` weighs it; ``assess`` does both. All are pure.
What is absent, unreadable or of an unforeseen type is a fault of the reading, and a reading with
a fault is never Healthy.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.airlock.model.expressions import Unreadable
from include.airlock.model.extract import MAX_DEPENDENCIES, Found, from_json, from_text
from include.airlock.model.fields import CONTROL
from include.airlock.model.page import Page, Trouble
from include.airlock.model.status_page import JsonPage, PatternPage, StatusPage, among
from include.airlock.model.verdict import Healthy, Inconclusive, Unhealthy, Verdict, in_words
from include.airlock.model.wording import shown

OK = 200


@dataclass(frozen=True)
class Dependency:
    """One dependency as the page shows it."""

    name: str
    connected: bool


@dataclass(frozen=True)
class Reading:
    """What a page says. ``faults`` say what it does not; with any of them it proves nothing.

    ``running`` is None when health is absent, of an unforeseen type, or says "starting".
    """

    build: str | None = None
    running: bool | None = None
    health: str = ""
    dependencies: tuple[Dependency, ...] = ()
    faults: tuple[str, ...] = ()


def assess(page: Page, where: StatusPage, build: str | None) -> Verdict:
    """Give the verdict on a page. ``build`` is the one that must answer; None takes any."""
    return judge(read(page, where), build)


def read(page: Page, where: StatusPage) -> Reading:
    """Take from a page what it says; never raises for what a page holds."""
    answer = _fault_of_answer(page)
    if answer:
        return Reading(faults=(answer,))
    try:
        found = _found(page, where)
    except Unreadable as error:
        return Reading(faults=(f"the status page can't be read: {error}",))
    faults = list(found.faults)
    build = _build(found.build, faults)
    running, health = _health(found.health, where, faults)
    dependencies = _dependencies(found, where, faults)
    return Reading(build, running, health, dependencies, tuple(faults))


def judge(reading: Reading, build: str | None) -> Verdict:
    """Weigh a reading: a clear fault makes it Unhealthy; else what is unclear, Inconclusive; else Healthy.

    ``build`` is the one that must answer; None takes any.
    """
    wrong_build = build is not None and reading.build is not None and reading.build != build
    reasons = [f"build {reading.build} answers, not {build}"] if wrong_build else []
    if reading.running is False:
        reasons.append(f"its health is {reading.health}")
    lost = [shown(each.name) for each in reading.dependencies if not each.connected]
    if lost:
        reasons.append(f"not connected: {', '.join(lost)}")
    if reasons:
        return Unhealthy((*reasons, *reading.faults), reading.build, wrong_build)
    if reading.faults:
        return Inconclusive(reading.faults, reading.build)
    if reading.build is None or not reading.running:
        return Inconclusive(("the status page does not say which build runs and how well",), reading.build)
    return Healthy(reading.build)


def _fault_of_answer(page: Page) -> str | None:
    """Say what keeps an answer from being read at all: only a complete 200 is."""
    if page.trouble is not None or page.status is None:
        said = str(page.trouble or Trouble.CONNECT)
        return f"{said} ({page.detail})" if page.detail else said
    if page.status != OK:
        to = f" to {shown(page.location)}" if page.location else ""
        return f"the status page answered {page.status}{to}, not {OK}"
    if page.truncated:
        return f"the status page is larger than {len(page.body)} bytes"
    return None if page.body.strip() else "the status page is empty"


def _found(page: Page, where: StatusPage) -> Found:
    if isinstance(where, JsonPage):
        return from_json(page, where)
    if isinstance(where, PatternPage):
        return from_text(page, where)
    raise TypeError(f"no way to read a {type(where).__name__}")


def _build(value: object, faults: list[str]) -> str | None:
    if value is None or value == "":
        faults.append("no build on the status page")
    elif isinstance(value, bool) or not isinstance(value, (str, int)):
        # A fraction is not a build number: 2026.10 and 2026.1 would be the same.
        faults.append(f"the build {shown(value)} is not text")
    elif len(str(value)) > 128 or CONTROL.search(str(value)):
        faults.append(f"the build {shown(value)} is no build number")
    else:
        return str(value)
    return None


def _health(value: object, where: StatusPage, faults: list[str]) -> tuple[bool | None, str]:
    if value is None or value == "":
        faults.append("no health on the status page")
    elif not isinstance(value, (str, bool, int)):
        faults.append(f"the health {shown(value)} is not a word")
    elif among(value, where.starting_values):
        faults.append(f"it is not ready yet: its health is {shown(value)}")
    else:
        return among(value, where.healthy_values), shown(value)
    return None, shown(value)


def _dependencies(found: Found, where: StatusPage, faults: list[str]) -> tuple[Dependency, ...]:
    if where.dependencies is None:
        return ()
    if found.dependencies is None:
        faults.append("no list of dependencies on the status page")
        return ()
    if not found.dependencies:
        faults.append("the list of dependencies is empty")
    if len(found.dependencies) > MAX_DEPENDENCIES:
        faults.append(f"there are more than {MAX_DEPENDENCIES} dependencies")
        return ()
    listed = [each for pair in found.dependencies if (each := _dependency(*pair, where, faults)) is not None]
    present = {each.name.casefold() for each in listed}
    for name in where.required_dependencies:
        if name.casefold() not in present:
            faults.append(f"the dependency {shown(name)} is not listed")
    return tuple(listed)


def _dependency(name: object, state: object, where: StatusPage, faults: list[str]) -> Dependency | None:
    if not isinstance(name, str) or not name.strip():
        faults.append(f"a dependency has no name but {shown(name)}")
    elif state is None or state == "" or not isinstance(state, (str, bool, int)):
        faults.append(f"the dependency {shown(name)} has no clear state but {shown(state)}")
    else:
        return Dependency(name.strip(), among(state, where.connected_values))
    return None


__all__ = [
    "Dependency",
    "Healthy",
    "Inconclusive",
    "Page",
    "Reading",
    "Trouble",
    "Unhealthy",
    "Verdict",
    "assess",
    "in_words",
    "judge",
    "read",
]
