#!/usr/bin/env python3
"""Make `.venv` from a lock file, with nothing but Python: `python3 bootstrap.py [local|dev|fab]`.

The environment is made once. After that a call looks whether the lock has changed and returns at
once when it has not. An installation that was interrupted is begun again from nothing.
`fab` is `dev` and, in a folder of its own beside it, what requirements-fab.in says.
`uv` installs when it is on PATH, else `pip`; both check every file's hash against the lock.

Only the standard library is used, and nothing newer than Python 3.7 before the version was checked,
so that an old Python gets a sentence rather than a traceback.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "airlock-installed.json"
UNFINISHED = VENV / "airlock-unfinished"
# Each group holds all packages of those before it.
GROUPS = ("local", "dev")
# What is kept apart, for programs that name the folder on their PYTHONPATH.
APART = "fab"
OLDEST, NEWEST = (3, 11), (3, 13)


class CannotInstall(Exception):
    """The environment can't be made; the text says what to do."""


def main(arguments: list[str]) -> int:
    """Make the environment of the asked group (`local` when none is asked); return the exit code."""
    group = arguments[0] if arguments else "local"
    if group not in (*GROUPS, APART) or len(arguments) > 1:
        print("usage: bootstrap.py [{}]".format("|".join((*GROUPS, APART))), file=sys.stderr)
        return 2
    try:
        ensure_apart() if group == APART else ensure(group)
    except CannotInstall as error:
        print(f"airlock: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"airlock: installing failed ({error}); the lines above say why", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("airlock: interrupted; the next call begins the installation again", file=sys.stderr)
        return 130
    return 0


def ensure(group: str) -> None:
    """Make sure that `.venv` holds the group, just as locked."""
    if installed(group):
        return
    with only_one():
        # Another call may have made it while this one waited.
        if installed(group):
            return
        if not reusable():
            shutil.rmtree(str(VENV), ignore_errors=True)
            create(suitable_python())
        install(group)


def ensure_apart() -> None:
    """Make sure that `.venv` holds `dev`, and the folder beside its packages what is kept apart."""
    ensure(GROUPS[-1])
    folder = VENV / APART
    stamp = folder / STAMP.name
    with only_one():
        if stamp.exists() and stamp.read_text(encoding="utf-8") == digest(APART):
            return
        shutil.rmtree(str(folder), ignore_errors=True)
        lock = ["--no-deps", "--require-hashes", "--target", str(folder), "-r", str(lock_file(APART))]
        subprocess.run([*installer("uv" if shutil.which("uv") else "pip"), *lock], check=True)
        folder.mkdir(exist_ok=True)  # a lock without packages makes none
        stamp.write_text(digest(APART), encoding="utf-8")


def installed(group: str) -> bool:
    """Say whether the group, or one that holds it, is installed from today's lock."""
    stamp = read_stamp()
    return any(stamp.get(larger) == digest(larger) for larger in GROUPS[GROUPS.index(group) :])


def reusable() -> bool:
    """Say whether packages can be added to `.venv` as it is: it is whole and its own lock has not changed."""
    stamp = read_stamp()
    unchanged = bool(stamp) and all(digest(group) == found for group, found in stamp.items())
    return unchanged and not UNFINISHED.exists() and venv_python().exists()


def read_stamp() -> dict[str, str]:
    """Return group -> digest of the lock it was installed from; empty when `.venv` can't be trusted."""
    if UNFINISHED.exists() or not venv_python().exists():
        return {}
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def digest(group: str) -> str:
    """Return the digest of a group's lock."""
    return hashlib.sha256(lock_file(group).read_bytes()).hexdigest()


def lock_file(group: str) -> Path:
    """Return the lock of a group."""
    return ROOT / f"requirements-{group}.lock"


def venv_python() -> Path:
    """Return the environment's Python."""
    return VENV / "bin" / "python"


@contextlib.contextmanager
def only_one():  # type: ignore[no-untyped-def]  # a generator's type can't be written for an old Python
    """Hold a lock, so that two calls at once don't install into one folder."""
    with (ROOT / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("airlock: another call is installing; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def suitable_python() -> str:
    """Return a Python of a supported version: this one, else one on PATH; raises CannotInstall."""
    names = [sys.executable] + [f"python{OLDEST[0]}.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for name in names:
        if OLDEST <= version_of(name) <= NEWEST:
            return shutil.which(name) or name
    raise CannotInstall(
        "Python {}.{} to {}.{} is needed, and none of {} is one; install one, ".format(
            *OLDEST, *NEWEST, ", ".join(names)
        )
        + "or say which: make PYTHON=..."
    )


def version_of(python: str) -> tuple[int, ...]:
    """Return a Python's version as (major, minor); empty when it can't be run."""
    ask = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-c", ask], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(int(part) for part in done.stdout.split())


def create(python: str) -> None:
    """Make an empty `.venv`; raises CannotInstall when Python came without what that needs."""
    if shutil.which("uv"):
        subprocess.run(["uv", "venv", "--quiet", "--python", python, str(VENV)], check=True)
        return
    probe = subprocess.run([python, "-c", "import venv, ensurepip"], check=False, stderr=subprocess.DEVNULL)
    if probe.returncode != 0:
        raise CannotInstall(
            f"{python} came without venv or ensurepip; on Debian and Ubuntu `apt-get install python3-venv` "
            "brings them, or install uv, which needs neither"
        )
    subprocess.run([python, "-m", "venv", str(VENV)], check=True)


def install(group: str) -> None:
    """Install a group's lock into `.venv` and note it; a mark stands as long as it is unfinished."""
    stamp = read_stamp()
    STAMP.unlink() if STAMP.exists() else None
    UNFINISHED.touch()
    tool = "uv" if shutil.which("uv") else "pip"
    print(
        f"airlock: installing into .venv with {tool}; this happens once and takes a minute or two", flush=True
    )
    subprocess.run([*installer(tool), "--require-hashes", "-r", str(lock_file(group))], check=True)
    draft = STAMP.with_suffix(".draft")
    draft.write_text(json.dumps({**stamp, group: digest(group)}), encoding="utf-8")
    os.replace(str(draft), str(STAMP))
    UNFINISHED.unlink()


def installer(tool: str) -> list[str]:
    """Return the command that installs packages, without its requirements."""
    if tool == "uv":
        return ["uv", "pip", "install", "--quiet", "--python", str(venv_python())]
    return [str(venv_python()), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
