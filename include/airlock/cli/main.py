"""``airlock``: runs one command; whatever happens, it ends with a sentence and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from include.airlock.cli.commands import parser
from include.airlock.cli.ending import CannotGoOn, Exit
from include.airlock.cli.text import plain


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = parser().parse_args(arguments)
    module, _, name = options.command.partition(":")
    try:
        # Only the module that is needed: some answer without Airflow's client.
        command: Callable[[argparse.Namespace], Exit] = getattr(
            import_module(f"include.airlock.cli.{module}"), name
        )
        return int(command(options))
    except CannotGoOn as error:
        begin = "\n" if error.code is Exit.INTERRUPTED else ""  # a terminal has written ^C
        print(f"{begin}airlock: {error}", file=sys.stderr)
        return int(error.code)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("airflow_client", "rich"):
            raise
        print(
            f"airlock: the Python package of {error.name} is missing; pip install apache-airflow-client rich",
            file=sys.stderr,
        )
        return int(Exit.FAILED)
    except KeyboardInterrupt:
        print("\nairlock: interrupted", file=sys.stderr)
        return int(Exit.INTERRUPTED)
    except Exception as error:  # a fault of our own is a sentence too; `python -X dev` shows where it is
        if sys.flags.dev_mode:
            raise
        said = plain(f"{type(error).__name__}: {error}", 300)
        print(f"airlock: a fault of this command: {said}; what was started goes on", file=sys.stderr)
        return int(Exit.FAILED)
