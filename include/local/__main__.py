"""`python -m include.local demo|up|down|sandbox|bench`: the command line behind `make`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import requests

from include.local import service
from include.local.airflow_settings import base_environment
from include.local.api import ApiError
from include.local.home import PROJECT_ROOT, Home, HomeInUse
from include.local.programs import ProgramFailed
from include.local.sandbox_unit import port_options


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    chosen = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = chosen.command
        return command(chosen)
    except KeyboardInterrupt:
        print("\nairlock: interrupted; everything that was started has been stopped", file=sys.stderr)
        return 130
    except (ProgramFailed, HomeInUse, ApiError, requests.RequestException, ValueError) as error:
        print(f"airlock: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.local", description="Airlock on one machine")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, command, words, default in (
        ("demo", _demo, "watch real releases, then a verdict", None),
        ("up", _up, "start sandbox and Airflow, and leave them running", "up"),
        ("down", _down, "stop all that `up` started", "up"),
        ("serve", _serve, "what `up` runs in the background", "up"),
        ("sandbox", _sandbox, "the sandbox alone, in the foreground", "sandbox"),
    ):
        sub = commands.add_parser(name, help=words)
        sub.add_argument("--name", default=default, help="which stack: each has its own files and ports")
        sub.set_defaults(command=command)
    clean = commands.add_parser("clean", help="remove what stopped stacks left: databases, logs, passwords")
    clean.set_defaults(command=_clean)
    bench = commands.add_parser("bench", help="measure, and print the figures")
    bench.set_defaults(command=_bench)
    return parser


def _demo(chosen: argparse.Namespace) -> int:
    from include.local import demo

    return demo.run(chosen.name)


def _up(chosen: argparse.Namespace) -> int:
    home = Home.named(chosen.name)
    print(f"airlock: starting Airflow and the sandbox from {home.path} (some 20 s)", flush=True)
    print(where_to_look(service.up(home)))
    again = "" if chosen.name == "up" else f" NAME={chosen.name}"
    print(f"Stop it with: make down{again}")
    return 0


def _down(chosen: argparse.Namespace) -> int:
    stopped = service.down(Home.named(chosen.name))
    print(f"airlock: {'stopped' if stopped else 'nothing was running'}")
    return 0


def _clean(_chosen: argparse.Namespace) -> int:
    busy = service.clean()
    for home in busy:
        print(
            f"airlock: {home.path} is in use; stop it first: make down NAME={home.path.name}", file=sys.stderr
        )
    return 1 if busy else 0


def _serve(chosen: argparse.Namespace) -> int:
    service.serve(Home.named(chosen.name))
    return 0


def _sandbox(chosen: argparse.Namespace) -> NoReturn:
    home = Home.named(chosen.name)
    home.create()
    os.chdir(PROJECT_ROOT)
    command = [sys.executable, "-m", "include.sandbox", "--state-dir", str(home.sandbox), *port_options()]
    os.execve(sys.executable, command, base_environment())  # noqa: S606 - no shell: a list of our own


def _bench(chosen: argparse.Namespace) -> int:
    from include.local import bench

    return bench.run()


def where_to_look(record: dict[str, Any]) -> str:
    """Return the addresses of a running stack as lines for a person."""
    lines = [
        f"Airflow          {record['airflow']}",
        f"  user           {record['user']}, password {_password(record)} (in {record['password_file']})",
    ]
    if record["endpoints"]:
        endpoints = json.loads(Path(record["endpoints"]).read_text(encoding="utf-8"))
        lines += [
            f"Sandbox          {endpoints['control']}/sandbox/state",
            f"  its addresses  {record['endpoints']}",
            f"Resource manager {endpoints['arm']}",
            f"AWS              {endpoints['aws']['endpoint']}",
            f"Slack            {endpoints['control']}/sandbox/slack",
        ]
    return "\n".join(lines)


def _password(record: dict[str, Any]) -> str:
    kept: dict[str, str] = json.loads(Path(record["password_file"]).read_text(encoding="utf-8"))
    return kept[record["user"]]


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """End like Ctrl-C does, so that every `with` closes what it opened."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
