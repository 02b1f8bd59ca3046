"""The timetable ``ReleaseWindow``: a run at each moment at which a service's doors open.

Registered by ``plugins/airlock_plugin.py``. It holds the windows and freezes as a spec has them and
works them out only when it is asked, so that parsing a DAG file costs nothing; the scheduler gets the
same values back from the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.exceptions import AirflowTimetableInvalid
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

if TYPE_CHECKING:
    from pendulum import DateTime

    from include.airlock.model.opening import Calendar
    from include.airlock.model.windows import Freeze, Window

GRACE = timedelta(minutes=1)
"""How late a DAG that never ran may be for an opening, so that a busy scheduler misses none."""
_LONGEST_DESCRIPTION = 1000
_TICK = timedelta(microseconds=1)


class ReleaseWindow(Timetable):
    """Starts a run whenever the doors open: when a window does, or at the end of a freeze within one.

    A start that was missed is made up for as long as the doors are still open, and not afterwards.
    A DAG that was never started by its timetable waits for the next opening, unless its
    ``start_date`` says that an earlier one counts. With ``catchup`` each opening gets its run.
    """

    def __init__(
        self,
        windows: Iterable[Window | Mapping[str, Any]],
        freezes: Iterable[Freeze | Mapping[str, Any]] = (),
    ) -> None:
        self._windows = [_plain(each) for each in windows]
        self._freezes = [_plain(each) for each in freezes]

    @classmethod
    def of(cls, calendar: Calendar) -> ReleaseWindow:
        """Give the timetable of a calendar, e.g. ``service.calendar(service.places[0])``."""
        return cls(calendar.windows, calendar.freezes)

    @cached_property
    def calendar(self) -> Calendar:
        """The windows and freezes, read when first needed.

        Raises:
            pydantic.ValidationError: they are not as a spec has them.
        """
        from include.airlock.model.opening import Calendar
        from include.airlock.model.windows import Freeze, Window

        return Calendar(
            tuple(Window.model_validate(each) for each in self._windows),
            tuple(Freeze.model_validate(each) for each in self._freezes),
        )

    def serialize(self) -> dict[str, Any]:
        """Give windows and freezes as a spec has them; the keys are a wire format."""
        return {"windows": self._windows, "freezes": self._freezes}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """Give back what ``serialize`` gave."""
        return cls(data["windows"], data["freezes"])

    def validate(self) -> None:
        """Refuse a timetable that would never start anything.

        Raises:
            AirflowTimetableInvalid: it has no windows, or they are not as a spec has them.
        """
        if not self._windows:
            raise AirflowTimetableInvalid("ReleaseWindow needs at least one window")
        try:
            opens = self.calendar.ever_opens()
        except ValueError as error:
            raise AirflowTimetableInvalid(f"ReleaseWindow: {error}") from None
        if not opens:
            raise AirflowTimetableInvalid("ReleaseWindow: its freezes leave nothing of its windows")

    @property
    def summary(self) -> str:
        """The windows in words, as the list of DAGs shows them."""
        return self.calendar.about

    @property
    def description(self) -> str:
        """The windows and freezes in words."""
        frozen = "; ".join(each.about for each in self.calendar.freezes)
        words = f"{self.calendar.about}{f' – not while frozen: {frozen}' if frozen else ''}"
        return words if len(words) <= _LONGEST_DESCRIPTION else f"{words[: _LONGEST_DESCRIPTION - 1]}…"

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """A run that a person starts stands for that moment."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Give the next opening; None where none comes before the DAG's end or within ten years."""
        import pendulum

        last = last_automated_data_interval and last_automated_data_interval.end
        opening = self._opening(last, restriction)
        if opening is None or (restriction.latest is not None and opening > restriction.latest):
            return None
        return DagRunInfo.exact(pendulum.instance(opening))

    def _opening(self, last: datetime | None, restriction: TimeRestriction) -> datetime | None:
        """Give the opening after the last one that got a run, and not before what the DAG allows."""
        earliest = restriction.earliest
        if restriction.catchup:
            if last is None and earliest is None:
                return self.calendar.next_opening(_now())
            # The earliest moment may itself be an opening; the one that had its run is over.
            floors = [last] if last is not None else []
            floors += [earliest - _TICK] if earliest is not None else []
            return self.calendar.next_opening(max(floors))
        return self._missed(last, earliest) or self.calendar.next_opening(self._from(last, earliest))

    def _missed(self, last: datetime | None, earliest: datetime | None) -> datetime | None:
        """Give the opening of the doors that are open now, where it should have had a run and had none."""
        now = _now()
        opened = self.calendar.open_since(now)
        if opened is None or (last is not None and opened <= last):
            return None
        if earliest is not None:
            return opened if opened >= earliest else None
        return opened if last is not None or now - opened <= GRACE else None

    @staticmethod
    def _from(last: datetime | None, earliest: datetime | None) -> datetime:
        """Give the moment after which the next opening is looked for."""
        moments = [_now() - _TICK]
        moments += [last] if last is not None else []
        moments += [earliest - _TICK] if earliest is not None else []
        return max(moments)


def _plain(part: Window | Freeze | Mapping[str, Any]) -> dict[str, Any]:
    return dict(part) if isinstance(part, Mapping) else part.model_dump(mode="json")


def _now() -> datetime:
    return datetime.now(UTC)
