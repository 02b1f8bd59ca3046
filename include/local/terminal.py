"""Where the programs for people print to."""

from __future__ import annotations

from rich.console import Console

PIPE_WIDTH = 130


def open_console() -> Console:
    """Return the terminal; a pipe has no width, and 80 columns are too few for the tables."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console
