"""A stack's files: whose they are, and that one stack at a time uses them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from include.local.home import Home, HomeInUse, first_free


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRLOCK_HOME", str(tmp_path))
    return tmp_path


def test_a_home_lies_where_airlock_home_says(homes: Path) -> None:
    assert Home.named("up").path == homes / "up"


@pytest.mark.parametrize("name", ["", "../elsewhere", "a b", "-x", "A", "x" * 40])
def test_a_name_that_is_no_plain_word_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name for a stack"):
        Home.named(name)


def test_secrets_are_made_once_and_only_the_owner_reads_them() -> None:
    home = Home.named("up")
    home.create()
    first = home.secrets()
    assert home.secrets() == first
    assert stat.S_IMODE((home.path / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_two_homes_share_no_secret() -> None:
    one, two = Home.named("one"), Home.named("two")
    one.create()
    two.create()
    assert not set(one.secrets().values()) & set(two.secrets().values())


def test_a_claimed_home_is_in_use_until_the_claim_is_closed() -> None:
    home = Home.named("up")
    assert not home.in_use()
    with home.claim():
        assert home.in_use()
        with pytest.raises(HomeInUse, match="already running"):
            home.claim()
    assert not home.in_use()


def test_the_first_free_home_steps_aside_for_a_running_stack() -> None:
    with Home.named("demo").claim():
        assert first_free("demo") == Home.named("demo-2")
    assert first_free("demo") == Home.named("demo")


def test_wiping_forgets_everything_but_the_claim() -> None:
    home = Home.named("demo")
    with home.claim():
        home.secrets()
        (home.logs / "scheduler.log").write_text("old")
        home.wipe()
        assert sorted(entry.name for entry in home.path.iterdir()) == ["airflow", "lock", "logs", "sandbox"]
        assert home.in_use()
        assert list(home.logs.iterdir()) == []


def test_a_record_that_is_no_json_is_no_record() -> None:
    home = Home.named("up")
    home.create()
    assert home.read_record() is None
    home.record.write_text("{half")
    assert home.read_record() is None
