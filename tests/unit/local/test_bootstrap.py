"""The environment from a bare clone: made once, left alone after that, begun again when interrupted."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A bare clone, as far as bootstrap.py sees one; its locks name no package, so nothing is fetched."""
    shutil.copy(PROJECT / "bootstrap.py", tmp_path)
    for group in ("local", "dev", "fab"):
        (tmp_path / f"requirements-{group}.lock").write_text(f"# {group}\n")
    return tmp_path


def bootstrap(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with pip, as on a machine without uv."""
    return subprocess.run(
        [sys.executable, "bootstrap.py", *arguments],
        cwd=clone,
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def load(clone: Path) -> ModuleType:
    """Import the clone's bootstrap.py."""
    spec = importlib.util.spec_from_file_location("bootstrap_of_clone", clone / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_environment_is_made_once_and_then_left_alone(clone: Path) -> None:
    # Given a bare clone, when the environment is asked for
    first = bootstrap(clone, "local")
    # Then it is made
    assert (first.returncode, "with pip" in first.stdout) == (0, True), first.stderr
    assert (clone / ".venv" / "bin" / "python").exists()
    # And a second call does nothing
    assert bootstrap(clone, "local").stdout == ""
    # And the larger group is added to it
    (clone / ".venv" / "kept").touch()
    assert "installing" in bootstrap(clone, "dev").stdout
    assert (clone / ".venv" / "kept").exists()
    # And covers the smaller one
    assert bootstrap(clone, "local").stdout == ""
    # When a lock changes
    (clone / "requirements-dev.lock").write_text("# dev, newer\n")
    # Then the environment is made anew
    assert "installing" in bootstrap(clone, "dev").stdout
    assert not (clone / ".venv" / "kept").exists()


def test_what_is_kept_apart_is_made_beside_the_environments_own_packages(clone: Path) -> None:
    # Given a bare clone, when what is kept apart is asked for
    assert bootstrap(clone, "fab").returncode == 0
    # Then the environment is made, and the folder, once
    stamp = clone / ".venv" / "fab" / "airlock-installed.json"
    before = stamp.stat().st_mtime_ns
    assert bootstrap(clone, "dev").stdout == ""
    assert bootstrap(clone, "fab").returncode == 0
    assert stamp.stat().st_mtime_ns == before
    # When its lock changes, then it alone is made anew
    (clone / "requirements-fab.lock").write_text("# fab, newer\n")
    assert (bootstrap(clone, "fab").returncode, stamp.stat().st_mtime_ns == before) == (0, False)
    assert bootstrap(clone, "dev").stdout == ""


def test_an_interrupted_installation_is_begun_again_from_nothing(clone: Path) -> None:
    # Given an environment whose installation did not come to its end
    bootstrap(clone, "local")
    (clone / ".venv" / "airlock-unfinished").touch()
    (clone / ".venv" / "half-a-package").touch()
    # When it is asked for again
    again = bootstrap(clone, "local")
    # Then nothing of the half is trusted
    assert (again.returncode, "installing" in again.stdout) == (0, True), again.stderr
    assert not (clone / ".venv" / "half-a-package").exists()
    assert not (clone / ".venv" / "airlock-unfinished").exists()


@pytest.mark.parametrize("locked", [f" --hash=sha256:{'0' * 64}", ""])
def test_a_package_with_another_hash_than_the_locked_one_or_none_is_refused(clone: Path, locked: str) -> None:
    # Given a package that is not the one that was locked
    wheel = clone / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "")
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    (clone / "requirements-local.lock").write_text(f"tiny @ {wheel.as_uri()}{locked}\n")
    # When it is to be installed
    done = bootstrap(clone, "local")
    # Then it is refused, and the environment does not count as made
    assert done.returncode == 1
    assert "hashes" in done.stderr.lower()
    assert "airlock: installing failed" in done.stderr
    assert (clone / ".venv" / "airlock-unfinished").exists()


def test_an_unknown_group_is_refused_with_the_known_ones(clone: Path) -> None:
    done = bootstrap(clone, "everything")
    assert (done.returncode, done.stderr) == (2, "usage: bootstrap.py [local|dev|fab]\n")


def test_a_machine_without_a_suitable_python_is_told_which_would_do(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(clone)
    monkeypatch.setattr(module, "version_of", lambda _name: (3, 10))
    with pytest.raises(module.CannotInstall, match=r"Python 3\.11 to 3\.13 is needed"):
        module.suitable_python()


def test_a_newer_python_on_the_path_is_used_when_this_one_is_too_old(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(clone)
    versions = {sys.executable: (3, 9), "python3.12": (3, 12)}
    monkeypatch.setattr(module, "version_of", lambda name: versions.get(name, ()))
    assert module.suitable_python().endswith("python3.12")


def test_a_python_without_venv_is_told_what_to_install(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(clone)
    monkeypatch.setattr(module.shutil, "which", lambda _name: None)
    incomplete = clone / "python-without-venv"
    incomplete.write_text("#!/bin/sh\nexit 1\n")
    incomplete.chmod(0o755)
    with pytest.raises(module.CannotInstall, match="came without venv or ensurepip"):
        module.create(str(incomplete))


def test_a_command_that_is_no_python_has_no_version(clone: Path) -> None:
    module = load(clone)
    assert module.version_of("/no/such/python") == ()
    assert module.version_of("/bin/false") == ()
    assert module.version_of(sys.executable) == sys.version_info[:2]


@pytest.mark.parametrize("group", ["local", "dev"])
def test_the_locks_name_hashes_and_no_place_to_fetch_from(group: str) -> None:
    lock = (PROJECT / f"requirements-{group}.lock").read_text()
    assert "://" not in lock
    assert "index" not in lock.split("--hash")[0]
    pins = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in pin and pin.endswith("\\") for pin in pins)


def test_the_development_lock_holds_all_of_the_local_one() -> None:
    local, dev = (
        {
            line.rstrip(" \\")
            for line in (PROJECT / f"requirements-{group}.lock").read_text().splitlines()
            if line[:1].isalnum()
        }
        for group in ("local", "dev")
    )
    # What one lock installs on some systems only, the other may install on all.
    missing = [pin for pin in local if pin not in dev and pin.partition(" ;")[0] not in dev]
    assert missing == []
