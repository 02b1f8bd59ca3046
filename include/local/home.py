"""Where a local stack keeps its files, and who may use them."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROJECT_ROOT = Path(__file__).resolve().parents[2]

_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,30}$")


class HomeInUse(RuntimeError):
    """Another stack of the same name is running."""


def homes_folder() -> Path:
    """Return the folder that holds every stack's files: AIRLOCK_HOME, or `.airlock` in the project."""
    chosen = os.environ.get("AIRLOCK_HOME")
    return Path(chosen).expanduser().resolve() if chosen else PROJECT_ROOT / ".airlock"


@dataclass(frozen=True)
class Home:
    """The files of one stack; only their owner can read them, because they hold passwords."""

    path: Path

    @classmethod
    def named(cls, name: str) -> Home:
        """Return the home called `name`; raises ValueError for a name that is no plain word."""
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is not a name for a stack: small letters, digits, '-' and '_' only")
        return cls(homes_folder() / name)

    @property
    def airflow(self) -> Path:
        """Airflow's own home: its logs and the password file."""
        return self.path / "airflow"

    @property
    def password_file(self) -> Path:
        """The file that Airflow's simple auth manager reads its passwords from (JSON)."""
        return self.airflow / "passwords.json"

    @property
    def logs(self) -> Path:
        """What the programs of the stack print, one file each."""
        return self.path / "logs"

    @property
    def sandbox(self) -> Path:
        """The sandbox's state: endpoints.json and ca.pem."""
        return self.path / "sandbox"

    @property
    def postgres(self) -> Path:
        """The database's files."""
        return self.path / "postgres"

    @property
    def record(self) -> Path:
        """What runs right now: addresses and sessions (JSON)."""
        return self.path / "stack.json"

    def create(self) -> None:
        """Make the folders; anyone but the owner is kept out."""
        for folder in (self.path.parent, self.path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.airflow, self.logs, self.sandbox):
            folder.mkdir(exist_ok=True)
        self.path.chmod(0o700)

    def claim(self) -> IO[str]:
        """Take the home for this process until the returned file is closed; raises HomeInUse."""
        self.create()
        lock = (self.path / "lock").open("a", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise HomeInUse(f"a stack is already running from {self.path}") from error
        return lock

    def wipe(self) -> None:
        """Forget everything that earlier runs left here; only its claimant may."""
        for entry in self.path.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.create()

    def in_use(self) -> bool:
        """Say whether a running stack holds this home."""
        if not (self.path / "lock").exists():
            return False
        try:
            self.claim().close()
        except HomeInUse:
            return True
        return False

    def secrets(self) -> dict[str, str]:
        """Return this home's keys and password, made at the first call and kept for the owner alone."""
        file = self.path / "secrets.json"
        if not file.exists():
            write_private(file, json.dumps(_new_secrets()))
        kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return kept

    def write_record(self, record: dict[str, Any]) -> None:
        """Say what runs from here."""
        write_private(self.record, json.dumps(record, indent=2))

    def read_record(self) -> dict[str, Any] | None:
        """Return what runs from here, or None when nothing was recorded."""
        try:
            record: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return record


def every_home() -> list[Home]:
    """Return each stack that ever ran from the homes folder."""
    return [Home(lock.parent) for lock in sorted(homes_folder().glob("*/lock"))]


def first_free(name: str) -> Home:
    """Return the home of this name, or of `name-2`, `name-3` and so on while those are in use."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(home for home in map(Home.named, names) if not home.in_use())


def write_private(file: Path, text: str) -> None:
    """Write `text` at once or not at all, readable by the owner alone."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)


def _new_secrets() -> dict[str, str]:
    from cryptography.fernet import Fernet

    return {
        "password": secrets.token_urlsafe(12),
        "fernet_key": Fernet.generate_key().decode(),
        "jwt_secret": secrets.token_urlsafe(48),
        "secret_key": secrets.token_urlsafe(32),
    }
