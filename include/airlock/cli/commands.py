"""The commands of ``airlock`` with their options; each names the function that does it."""

from __future__ import annotations

import argparse
from typing import TypeAlias

_EPILOG = """\
exit codes: 0 done, or released; 1 failed or halted; 2 bad input; 3 rolled back; 4 refused;
5 Airflow can't be reached or does not let this user in; 130 interrupted: a release goes on.

Airflow is named by AIRLOCK_URL and AIRLOCK_TOKEN, or AIRLOCK_USER and AIRLOCK_PASSWORD_FILE;
see docs/command-line.md.
"""
ANSWERS = ("approve", "reject", "retry", "roll-back", "roll-back-all", "accept", "halt")
"""The answers of ``airlock approve``; which option of a question each stands for is in ``approving``."""
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 300.0


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    root = argparse.ArgumentParser(
        prog="airlock",
        description="Release services, one region at a time.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(required=True, metavar="command")
    for add in (_release, _plan, _watch, _status, _approve, _rollback, _unlock, _window, _validate, _new):
        add(commands)
    return root


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(commands: _Commands, name: str, where: str, words: str) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}."
    )
    sub.set_defaults(command=where)
    sub.add_argument("--json", action="store_true", help="for machines: JSON on standard output")
    return sub


def _asks_airflow(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("Airflow")
    group.add_argument("--url", help="Airflow's address; else AIRLOCK_URL")
    group.add_argument(
        "--token-file", metavar="FILE", help="file with a token, - for standard input; else AIRLOCK_TOKEN"
    )
    group.add_argument("--user", help="user to get a token for; else AIRLOCK_USER")
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help="file with that user's password, - for standard input; else AIRLOCK_PASSWORD_FILE",
    )
    group.add_argument(
        "--ca-file",
        metavar="FILE",
        help="certificates to trust, PEM; else AIRLOCK_CA_FILE, else the system's",
    )


def _reads_specs(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--dags",
        metavar="FOLDER",
        help="folder with DAG files and services/; else AIRLOCK_DAGS_FOLDER, else the project's dags",
    )


def _watches(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--every", type=_seconds, default=2.0, metavar="SECONDS", help="pause between two looks (default: 2)"
    )


def _seconds(written: str) -> float:
    try:
        seconds = float(written)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{written!r} is no number of seconds") from None
    if not _LEAST_PAUSE_S <= seconds <= _LONGEST_PAUSE_S:
        raise argparse.ArgumentTypeError(f"must be from {_LEAST_PAUSE_S} to {_LONGEST_PAUSE_S:.0f}")
    return seconds


def _release(commands: _Commands) -> None:
    sub = _command(commands, "release", "releasing:release", "release a build of a service, or a train")
    _describes_a_wish(sub)
    sub.add_argument("--change-request", metavar="ID", help="approved change; it can't be released twice")
    sub.add_argument(
        "--plan",
        action="append",
        dest="plans",
        metavar="HASH",
        help="only if the world is still as that plan saw it; see airlock plan; of a train SERVICE=HASH, "
        "once for each",
    )
    sub.add_argument(
        "--at",
        metavar="MOMENT",
        help="start then: ISO 8601 with time zone, or next-window, by the spec on disk",
    )
    sub.add_argument("--watch", action="store_true", help="follow it to its end; exit code by its outcome")
    _watches(sub)
    _reads_specs(sub)
    _asks_airflow(sub)


def _describes_a_wish(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("service", nargs="?", help="its name, as in its spec")
    sub.add_argument("build", nargs="?", help="what to release, like 2026.11.2")
    sub.add_argument("--train", metavar="NAME", help="a train instead of a service")
    sub.add_argument(
        "--build",
        action="append",
        dest="builds",
        metavar="SERVICE=BUILD",
        help="the build of one of its services; once for each",
    )
    sub.add_argument(
        "--region", action="append", metavar="NAME", help="only there; may be given several times"
    )
    sub.add_argument("--on-failure", metavar="POLICY", help="what to do if a region fails; else the spec's")
    sub.add_argument("--refresh-build", metavar="BUILD", help="build for staging slots afterwards")
    sub.add_argument("--reason", help="why; shown to everybody who is told")
    sub.add_argument(
        "--window-override", metavar="REASON", help="release outside the windows, and why; it is recorded"
    )


def _plan(commands: _Commands) -> None:
    words = "say what a release, or a train, would do, call by call, without doing it"
    sub = _command(commands, "plan", "planning:plan", words)
    _describes_a_wish(sub)
    _watches(sub)
    _asks_airflow(sub)


def _approve(commands: _Commands) -> None:
    sub = _command(commands, "approve", "approving:approve", "show what waits for an answer, and answer it")
    sub.add_argument("service", nargs="?", help="service or train (default: all)")
    sub.add_argument("run", nargs="?", help="change request or run id (default: all)")
    sub.add_argument(
        "--answer", choices=ANSWERS, metavar="WORD", help=f"answer it with one of: {', '.join(ANSWERS)}"
    )
    sub.add_argument("--step", metavar="ID", help="the step that asks, where several do")
    sub.add_argument("--reason", help="why; it is kept and told")
    _asks_airflow(sub)


def _watch(commands: _Commands) -> None:
    sub = _command(commands, "watch", "releasing:watch", "follow a release to its end")
    _names_a_run(sub)
    _watches(sub)
    _asks_airflow(sub)


def _status(commands: _Commands) -> None:
    sub = _command(commands, "status", "standing:status", "say where a release stands, or how it ended")
    _names_a_run(sub)
    _asks_airflow(sub)


def _names_a_run(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("service", help="service or train")
    sub.add_argument("run", nargs="?", help="change request or run id (default: the latest)")


def _rollback(commands: _Commands) -> None:
    sub = _command(commands, "rollback", "acts:rollback", "bring the last release back in all its regions")
    sub.add_argument("service", help="service or train")
    sub.add_argument("--reason", required=True, help="why; shown to everybody who is told")
    sub.add_argument(
        "--release", metavar="RUN", help="that release instead of the last one that changed anything"
    )
    sub.add_argument(
        "--region", action="append", metavar="NAME", help="only there; may be given several times"
    )
    sub.add_argument("--dry", action="store_true", help="only say what it would do")
    sub.add_argument(
        "--watch", action="store_true", help="follow it to its end; exit code 0 when all is back"
    )
    _watches(sub)
    _asks_airflow(sub)


def _unlock(commands: _Commands) -> None:
    sub = _command(commands, "unlock", "acts:unlock", "let a service be released again after a way back")
    sub.add_argument("service", help="its name, as in its spec")
    sub.add_argument("--reason", required=True, help="why it may be released again; it is kept")
    _asks_airflow(sub)


def _window(commands: _Commands) -> None:
    sub = _command(commands, "window", "windows:window", "say whether a service may be released now")
    sub.add_argument("service", help="its name, as in its spec")
    sub.add_argument(
        "--region", action="append", metavar="NAME", help="only there; may be given several times"
    )
    sub.add_argument("--on", metavar="MOMENT", help="at that moment instead of now: ISO 8601 with time zone")
    _reads_specs(sub)


def _validate(commands: _Commands) -> None:
    sub = _command(commands, "validate", "validating:validate", "check specs")
    sub.add_argument("file", nargs="*", help="spec files (default: all)")
    _reads_specs(sub)


def _new(commands: _Commands) -> None:
    sub = _command(commands, "new", "scaffold:new", "make spec and DAG files of a new service")
    sub.add_argument("service", help="its name, as in its spec")
    sub.add_argument("--strategy", choices=("slot_swap", "rolling", "blue_green"), required=True)
    sub.add_argument(
        "--region", action="append", required=True, metavar="NAME", help="in the order of release"
    )
    sub.add_argument("--owner", required=True, help="team or person to ask")
    _reads_specs(sub)
