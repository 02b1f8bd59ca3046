"""What a script on a machine may call: the demo's deploy program and a few words of a shell.

Nothing is run on the host. Any other program is "command not found", as on a machine without it.
"""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass, field

from include.sandbox.aws.documents import DEPLOY
from include.sandbox.aws.machines import Machine

_NOT_FOUND = 127
_USAGE = 2


@dataclass
class Terminal:
    """What a script has written so far."""

    output: list[str] = field(default_factory=list)
    error: list[str] = field(default_factory=list)


async def run_line(machine: Machine, line: str, terminal: Terminal) -> int:
    """Run one line of a script on a machine; return its exit code."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        terminal.error.append(f"sh: {error}")
        return _USAGE
    if not words:
        return 0
    program, arguments = words[0], words[1:]
    match program:
        case _ if program == DEPLOY:
            return await _deploy(machine, arguments, terminal)
        case "echo":
            terminal.output.append(" ".join(arguments))
            return 0
        case "true" | "false":
            return 0 if program == "true" else 1
        case "exit":
            return int(arguments[0]) if arguments and arguments[0].isdigit() else 0
        case "sleep":
            await asyncio.sleep(machine.around.scaled(float(arguments[0])))
            return 0
    terminal.error.append(f"sh: {program}: command not found (this sandbox runs no host programs)")
    return _NOT_FOUND


async def _deploy(machine: Machine, arguments: list[str], terminal: Terminal) -> int:
    if not arguments or len(arguments) > 2:
        terminal.error.append(f"usage: {DEPLOY} BUILD [SERVICE]")
        return _USAGE
    build, service = arguments[0], "".join(arguments[1:]) or machine.service
    if service != machine.service:
        terminal.error.append(f"this machine runs {machine.service}, not {service}")
        return _USAGE
    fails = machine.around.faults.match(("deploy_fails",), **machine.where)
    if fails and fails.params["when"] != "after_stop":
        terminal.error.append(f"{DEPLOY}: can't fetch {service} {build}")
        return 1
    terminal.output += [f"stopping {service} {machine.build}", f"installing {service} {build}"]
    if fails:
        await machine.kill("deploy")
        terminal.error.append(f"{DEPLOY}: the disk is full")
        return 1
    if not await machine.deploy(build):
        terminal.error.append(f"{service} {build} did not start")
        return 1
    terminal.output.append(f"started {service} {build}")
    return 0
