"""The figures of the releases on AWS as a table: who, how long, against the floor, and what clients saw."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from include.local.bench_roll import OURS, Roll

AIM_RATIO = 1.25


def roll_table(rolls: Sequence[Roll]) -> Table:
    """Return a row for each release."""
    title = "Two machines behind two load balancers, one after the other"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("service", "released by", "says"):
        table.add_column(column)
    for column in ("wall time", "floor", "ratio", "aim", "failed requests", "longest gap", "out at once"):
        table.add_column(column, justify="right")
    for roll in rolls:
        table.add_row(
            roll.round.title,
            roll.who,
            _word(roll),
            f"{roll.wall_s:.1f} s",
            f"{roll.round.floor_s:.1f} s",
            f"{roll.ratio:.2f}",
            _aim(roll),
            f"{roll.failed} of {roll.requests}",
            f"{roll.longest_gap_s:.2f} s",
            str(roll.most_out),
        )
    return table


def _word(roll: Roll) -> str:
    """What it said of itself, and what is true where that differs."""
    said = "done" if roll.ok else "failed"
    return said if roll.ok == roll.released else f"{said}, but the build is {_where(roll)}"


def _where(roll: Roll) -> str:
    return "on every machine" if roll.released else "not on every machine"


def _aim(roll: Roll) -> str:
    """Whether the ratio is what it was meant to be; nobody has an aim for the rivals."""
    if roll.who != OURS:
        return ""
    return f"≤ {AIM_RATIO:g}: {'met' if roll.ratio <= AIM_RATIO else 'missed'}"
