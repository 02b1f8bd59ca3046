"""Following a run until it ends. Nothing here changes anything: the run goes on whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from include.airlock.cli.airflow import Airflow
from include.airlock.cli.ending import CannotGoOn, Exit
from include.airlock.cli.facts import DagFacts, Run, Task
from include.airlock.cli.lanes import HELD, Lane, expected_seconds, lanes_of
from include.airlock.cli.reach import ROLLBACK, TRAIN, name_of
from include.airlock.cli.text import moment
from include.airlock.cli.turns import turn_note
from include.airlock.cli.verdict import Ending, ending_of
from include.airlock.cli.view import Progress, View
from include.airlock.cli.wire import Unreachable

PAST = 5
"""How many past releases an estimate is made of."""
SOUGHT = 20
"""Among how many of the latest runs releases are sought: plans are runs too."""
CLOCKS_S = 5.0
"""How much later than here it may be at Airflow: a run that starts at once is not told to start then."""
PATIENCE_S = 120.0
"""How long Airflow may give no answer in the middle of a watch, as while it is restarted."""


@dataclass(frozen=True)
class Clock:
    """The time and the pause between looks; tests have their own."""

    every_s: float = 2.0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


@dataclass
class Watch:
    """One run of a release, or of a rollback, looked at again and again."""

    airflow: Airflow
    service: str
    facts: DagFacts
    run: Run
    expected: dict[str, float]

    @classmethod
    def of(cls, airflow: Airflow, service: str, run: Run, facts: DagFacts | None = None) -> Watch:
        """Begin to watch: reads how long past releases took.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        facts = facts or airflow.dag(run.dag_id)
        past = airflow.runs(run.dag_id, limit=SOUGHT, state=("success",))
        told = [each for each in past if not each.only_planned and each.run_id != run.run_id][:PAST]
        seen = [airflow.tasks(each.dag_id, each.run_id) for each in told]
        return cls(airflow, service, facts, run, expected_seconds(seen))

    def look(self, now: datetime) -> Progress:
        """Look once.

        Raises:
            CannotGoOn: Airflow did not tell.
        """
        found = self.airflow.find(self.run.dag_id, self.run.run_id)
        if found is None:
            raise CannotGoOn(f"{self.run.run_id} is not in Airflow any more: it was deleted", Exit.FAILED)
        self.run = found
        tasks = self.airflow.tasks(found.dag_id, found.run_id)
        asked = found.conf.get("regions") or ()
        places = self.facts.choices("regions")
        # A rollback begins with the last place.
        places = places[::-1] if found.dag_id.startswith(ROLLBACK) else places
        # A dry run's steps look, and go nowhere.
        shown = {} if found.conf.get("dry") is True else tasks
        lanes = lanes_of(shown, places, asked if isinstance(asked, list) else ())
        note = self._note(found, tasks, now) or _held(self.service, lanes)
        train = found.dag_id.startswith((TRAIN, f"{ROLLBACK}{TRAIN}"))
        return Progress(self.service, found.run_id, found.state, lanes, self.expected, now, note, train)

    def until_the_end(self, view: View, clock: Clock) -> Ending:
        """Look until the run is over, and show each look.

        Raises:
            CannotGoOn: Airflow gave no answer for ``PATIENCE_S``, or does not let this user in any more.
        """
        heard = clock.monotonic()
        while True:
            try:
                view.show(self.look(clock.now()))
                if self.run.ended:
                    return ending_of(self.airflow, self.run)
                heard = clock.monotonic()
            except Unreachable as error:
                if clock.monotonic() - heard > PATIENCE_S:
                    raise Unreachable(
                        f"{error}; the release goes on: {come_back(self.run.dag_id, self.run.run_id)}"
                    ) from None
            clock.pause(clock.every_s)

    def _note(self, run: Run, tasks: Mapping[str, Task], now: datetime) -> str | None:
        """What a run waits for: people, its turn, its moment."""
        asking = [each.task_id for each in tasks.values() if each.state == "awaiting_input"]
        if asking:
            return f"{', '.join(sorted(asking))} waits for an answer: {to_answer(run.dag_id, run.run_id)}"
        if run.state == "running":
            return turn_note(self.airflow, self.facts, run, tasks, now)
        if run.state != "queued":
            return None
        if (run.run_after - now).total_seconds() > CLOCKS_S:
            return f"starts at {moment(run.run_after)}"
        if self.facts.paused:
            return f"{run.dag_id} is paused in Airflow; nothing starts until somebody unpauses it"
        running = self.airflow.runs(run.dag_id, state=("running",))
        # It may have begun since it was looked at.
        others = [each.run_id for each in running if each.run_id != run.run_id]
        return f"waits until {others[0]} has ended" if others else None


def _held(service: str, lanes: Sequence[Lane]) -> str | None:
    """Which place waits for its window, and where to see when it opens."""
    held = [lane.name for lane in lanes if lane.phase == HELD]
    return f"{', '.join(held)} waits for its window: airlock window {service}" if held else None


def to_answer(dag_id: str, run_id: str) -> str:
    """How to see a run's questions and answer them."""
    return f"airlock approve {name_of(dag_id)} {run_id}"


def come_back(dag_id: str, run_id: str) -> str:
    """How to return to a run."""
    return f"airlock watch {name_of(dag_id)} {run_id}"
