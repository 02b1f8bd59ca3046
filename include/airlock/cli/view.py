"""A release on a terminal, on a pipe or for a machine: the same news in three forms."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from include.airlock.cli.lanes import Lane, remaining_seconds
from include.airlock.cli.text import duration, plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_LONGEST_BAR, _SHORTEST_BAR = 30, 6
_SIGNS = {"accepted": "green", "brought back": "yellow", "not asked": "dim", "waiting": "dim"}
_SIGNS |= dict.fromkeys(("not started", "not touched"), "dim")


@dataclass(frozen=True)
class Progress:
    """One look at a run; ``expected`` are seconds by place, ``note`` says what it waits for.

    ``at_once``: places may be released side by side, so that their seconds do not add up.
    """

    service: str
    run_id: str
    state: str
    lanes: tuple[Lane, ...]
    expected: Mapping[str, float]
    now: datetime
    note: str | None = None
    at_once: bool = False

    @property
    def remaining(self) -> float | None:
        """Seconds until all places are accepted, if past releases tell."""
        return None if self.at_once else remaining_seconds(self.lanes, self.expected, self.now)


class View(Protocol):
    """Shows a release as it goes on."""

    def show(self, progress: Progress) -> None:
        """Show how far it is."""

    def close(self) -> None:
        """Leave the last picture standing."""


def view_for(out: TextIO, *, machine: bool) -> View:
    """The view that fits: JSON lines when asked, a living picture on a terminal, else plain lines."""
    if machine:
        return JsonLines(out)
    if out.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console

        return Picture(Console(file=out, highlight=False))
    return Lines(out)


@dataclass
class _News:
    """What has changed since the last look."""

    _told: dict[str, str] = field(default_factory=dict)

    def of(self, progress: Progress) -> list[tuple[str, str]]:
        """Pairs of what it is about (a place, or ``release``) and its new phase."""
        now = {lane.name: lane.phase for lane in progress.lanes}
        now["release"] = f"{progress.state}: {progress.note}" if progress.note else progress.state
        news = [(name, phase) for name, phase in now.items() if self._told.get(name) != phase]
        self._told = now
        return [each for each in news if each[1] not in ("waiting", "not asked")]


@dataclass
class Lines:
    """A line for each change: for logs of pipelines."""

    out: TextIO
    _news: _News = field(default_factory=_News)

    def show(self, progress: Progress) -> None:
        """Print what is new."""
        for about, phase in self._news.of(progress):
            rest = progress.remaining
            left = f" (about {duration(rest)} left)" if rest and about != "release" else ""
            line = f"{progress.now.astimezone(UTC):%H:%M:%S}  {plain(about)}: {plain(phase)}{left}"
            print(line, file=self.out, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


@dataclass
class JsonLines:
    """One JSON object a line for each change; docs/command-line.md lists the keys."""

    out: TextIO
    _news: _News = field(default_factory=_News)

    def show(self, progress: Progress) -> None:
        """Print the whole state when anything is new."""
        if self._news.of(progress):
            said = {"event": "progress", **as_json(progress)}
            print(json.dumps(said), file=self.out, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


@dataclass
class Picture:
    """A table that lives: a bar for each place, with an estimate where past releases allow one."""

    console: Console
    _live: Live | None = None

    def show(self, progress: Progress) -> None:
        """Draw it anew."""
        if self._live is None:
            from rich.live import Live

            self._live = Live(console=self.console, auto_refresh=False)
            self._live.start()
        self._live.update(picture(progress, self.console.width), refresh=True)

    def close(self) -> None:
        """Leave the last picture on the terminal."""
        if self._live is not None:
            self._live.stop()


def picture(progress: Progress, width: int) -> RenderableType:
    """The table of a release; its bars are as long as ``width`` allows."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    rows = [_row(lane, progress) for lane in progress.lanes]
    bar = _bar_width(rows, width)
    for lane, (name, phase, times) in zip(progress.lanes, rows, strict=True):
        share = lane.share(progress.now, progress.expected.get(lane.name)) if lane.asked else 0.0
        style = _SIGNS.get(lane.phase, "red" if lane.over else "bold")
        bars = [_bar(share, bar)] if bar else []
        table.add_row(Text(name), *bars, Text(phase, style=style), Text(times, style="dim"))
    return Group(Text(headline(progress), style="bold"), table)


def _bar(share: float, width: int) -> RenderableType:
    from rich.progress_bar import ProgressBar

    # Rich's own colours look alike where a terminal has but sixteen.
    return ProgressBar(
        total=1.0,
        completed=share,
        width=width,
        style="bright_black",
        complete_style="cyan",
        finished_style="green",
    )


def _row(lane: Lane, progress: Progress) -> tuple[str, str, str]:
    return plain(lane.name), lane.phase, _times(lane, progress.expected.get(lane.name), progress.now)


def _bar_width(rows: Sequence[tuple[str, str, str]], width: int) -> int:
    """What the other columns leave over, at most 30; none where that is too short to show anything."""
    taken = sum(max((len(row[column]) for row in rows), default=0) + 2 for column in range(3))
    return min(left, _LONGEST_BAR) if (left := width - taken) >= _SHORTEST_BAR else 0


def headline(progress: Progress) -> str:
    """``payments CHG-1001: running, about 2 min left``."""
    rest = progress.remaining
    left = f", about {duration(rest)} left" if rest and progress.state == "running" else ""
    note = f" – {plain(progress.note)}" if progress.note else ""
    return f"{progress.service} {plain(progress.run_id)}: {progress.state}{left}{note}"


def _times(lane: Lane, expected: float | None, now: datetime) -> str:
    if lane.started is None:
        return f"takes about {duration(expected)}" if expected and lane.asked else ""
    usual = f" of about {duration(expected)}" if expected and not lane.over else ""
    return f"{duration(lane.elapsed(now))}{usual}"


def as_json(progress: Progress) -> dict[str, Any]:
    """A look at a run, for machines: times in seconds."""
    rest = progress.remaining
    return {
        "service": progress.service,
        "run": progress.run_id,
        "state": progress.state,
        "note": progress.note,
        "remaining_s": None if rest is None else round(rest, 1),
        "places": places_as_json(progress.lanes, progress.expected, progress.now),
    }


def places_as_json(
    lanes: Sequence[Lane], expected: Mapping[str, float], now: datetime
) -> list[dict[str, Any]]:
    """The places of a run, for machines."""
    return [
        {
            "place": lane.name,
            "asked": lane.asked,
            "phase": lane.phase,
            "elapsed_s": round(lane.elapsed(now), 1),
            "expected_s": round(expected[lane.name], 1) if lane.name in expected else None,
        }
        for lane in lanes
    ]
