"""``airlock window``, ``validate`` and ``new``: they read specs and ask no Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from include.airlock.cli.main import main
from include.airlock.model.loading import load_service
from include.airlock.model.service import STRATEGIES
from tests.unit.pages import ROOT, blocks

Airlock = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of DAGs with the spec of docs/windows.md."""
    folder = tmp_path / "dags"
    (folder / "services").mkdir(parents=True)
    (folder / "services" / "payments.yaml").write_text(blocks("docs/windows.md", "yaml")[0], encoding="utf-8")
    for verb in ("release", "rollback"):
        (folder / f"{verb}_payments.py").write_text("", encoding="utf-8")
    monkeypatch.setenv("AIRLOCK_DAGS_FOLDER", str(folder))
    return folder


@pytest.fixture
def airlock(capsys: pytest.CaptureFixture[str]) -> Airlock:
    """Run a command; gives its exit code, its standard output and its errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as error:
            code = int(error.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


# --- window


def test_window_says_until_when_and_from_when(dags: Path, airlock: Airlock) -> None:
    code, out, _ = airlock("window", "payments", "--on", "2026-11-03T20:30Z")

    assert code == 0
    assert out.splitlines() == [
        "westeurope: open until 2026-11-03 22:00 UTC, 22:00 Europe/London (in 1 h 30 min)",
        "eastus: closed, opens at 2026-11-04 03:00 UTC, 22:00 America/New_York (in 6 h 30 min); outside the "
        "windows: monday–thursday 22:00–02:00 America/New_York",
    ]


def test_window_names_the_freeze(dags: Path, airlock: Airlock) -> None:
    _, out, _ = airlock("window", "payments", "--region", "westeurope", "--on", "2026-12-29T20:30+00:00")

    assert "closed, opens at 2027-01-12 20:00 UTC" in out
    assert "The shops' busiest days" in out


def test_window_for_machines(dags: Path, airlock: Airlock) -> None:
    code, out, _ = airlock("window", "payments", "--json", "--on", "2026-11-03T20:30Z")

    said = json.loads(out)
    assert code == 0
    assert said["at"] == "2026-11-03T20:30:00+00:00"
    assert said["places"][0] == {
        "place": "westeurope",
        "open": True,
        "until": "2026-11-03T22:00:00+00:00",
        "opens": None,
        "why": None,
    }
    assert said["places"][1]["opens"] == "2026-11-04T03:00:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("paymnts",), "did you mean 'payments'?"),
        (("payments", "--region", "westeurop"), "did you mean 'westeurope'?"),
        (("payments", "--on", "noon"), "is no moment like"),
        (("payments", "--on", "2026-11-03T20:30"), "has no time zone"),
        (("payments", "--dags", "/nowhere"), "there is no folder /nowhere"),
    ],
)
def test_window_refuses(dags: Path, airlock: Airlock, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = airlock("window", *arguments)

    assert code == 2
    assert said in err


# --- validate


def test_the_projects_own_specs_are_valid(airlock: Airlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRLOCK_DAGS_FOLDER", raising=False)
    number = len(list((ROOT / "dags").glob("*/*.yaml")))

    assert airlock("validate")[:2] == (0, f"{number} of {number} specs valid\n")


def test_each_fault_has_its_file_and_line(dags: Path, airlock: Airlock) -> None:
    spec = dags / "services" / "payments.yaml"
    text = spec.read_text(encoding="utf-8").replace("slot_swap", "slot_swp")
    spec.write_text(text.replace("opens: 20:00", "opens: 8pm"), encoding="utf-8")

    code, out, _ = airlock("validate")

    assert code == 2
    assert f"{spec}:3: strategy: 'slot_swp' is not a strategy; did you mean 'slot_swap'?" in out
    assert f"{spec}:6: windows[0].opens: " in out
    assert out.splitlines()[-1] == "0 of 1 spec valid"


def test_a_spec_without_a_dag_file_would_never_be_released(dags: Path, airlock: Airlock) -> None:
    (dags / "release_payments.py").unlink()

    code, out, _ = airlock("validate", "--json")

    assert code == 2
    assert json.loads(out)["valid"] is False
    assert "has no DAG file" in json.loads(out)["specs"][0]["faults"][0]


def test_a_trains_spec_is_checked_with_its_services(dags: Path, airlock: Airlock) -> None:
    """Given a train, then its own faults, those of a service of it, and missing DAG files are told."""
    (dags / "trains").mkdir()
    spec = dags / "trains" / "evening.yaml"
    spec.write_text("train: evening\nowner: me\nservices: [payments, catalog]\n", encoding="utf-8")
    assert f"{spec}:3: services[1]: there is no service 'catalog'" in airlock("validate")[1]

    spec.write_text("train: evening\nowner: me\nservices: [payments]\n", encoding="utf-8")
    said = airlock("validate", str(spec))[1].splitlines()
    assert [line.partition(": ")[2] for line in said[:2]] == [
        f"has no DAG file {dags / 'train_evening.py'}",
        f"has no DAG file {dags / 'rollback_train_evening.py'}",
    ]
    for name in ("train_evening.py", "rollback_train_evening.py"):
        (dags / name).touch()
    assert airlock("validate")[:2] == (0, "2 of 2 specs valid\n")

    service = dags / "services" / "payments.yaml"
    service.write_text(service.read_text(encoding="utf-8").replace("slot_swap", "swap"), encoding="utf-8")
    assert f"{spec}:1: a service of it is not valid: payments.yaml:3: strategy" in airlock("validate")[1]


def test_a_file_that_is_not_there(dags: Path, airlock: Airlock) -> None:
    code, out, _ = airlock("validate", str(dags / "services" / "orders.yaml"))

    assert code == 2
    assert "orders.yaml: can't be read" in out


# --- new


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_new_makes_is_valid(dags: Path, airlock: Airlock, strategy: str) -> None:
    code, out, err = airlock(
        *("new", "orders", "--strategy", strategy, "--owner", 'team "orders": #1'),
        *("--region", "eu-west-1", "--region", "westeurope"),
    )

    assert (code, err) == (0, "")
    assert "airlock validate" in out
    service = load_service(dags / "services" / "orders.yaml")
    assert (service.strategy, service.owner) == (strategy, 'team "orders": #1')
    assert [region.name for region in service.regions] == ["eu-west-1", "westeurope"]
    assert airlock("validate")[0] == 0
    # Airflow skips a file without these two words, and says nothing.
    made = [path.read_text(encoding="utf-8").lower() for path in dags.glob("*_orders.py")]
    assert made
    assert all("airflow" in text and "dag" in text for text in made)


def test_what_new_makes_is_what_the_project_has(dags: Path, airlock: Airlock) -> None:
    airlock("new", "identity", "--strategy", "slot_swap", "--owner", "x", "--region", "westeurope")

    for made in dags.glob("*_identity.py"):
        assert made.read_text(encoding="utf-8") == (ROOT / "dags" / made.name).read_text(encoding="utf-8")
    assert {path.name for path in dags.glob("*_identity.py")} == {
        path.name for path in (ROOT / "dags").glob("*_identity.py")
    }


def test_new_overwrites_nothing(dags: Path, airlock: Airlock) -> None:
    (dags / "release_orders.py").write_text("mine", encoding="utf-8")

    code, _, err = airlock("new", "orders", "--strategy", "rolling", "--owner", "x", "--region", "eu-west-1")

    assert code == 2
    assert "release_orders.py is there already; nothing was written" in err
    assert not (dags / "services" / "orders.yaml").exists()
    assert (dags / "release_orders.py").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["../orders", "Orders!", "", "or ders", "a" * 60])
def test_new_refuses_names_that_are_no_services(dags: Path, airlock: Airlock, name: str) -> None:
    before = sorted(dags.rglob("*"))

    code, _, err = airlock("new", name, "--strategy", "slot_swap", "--owner", "x", "--region", "westeurope")

    assert code == 2
    assert "service" in err
    assert sorted(dags.rglob("*")) == before


def test_new_refuses_a_region_that_would_be_yaml_of_its_own(dags: Path, airlock: Airlock) -> None:
    code, _, _ = airlock(
        "new", "orders", "--strategy", "slot_swap", "--owner", "x", "--region", "a\n    connection: b"
    )

    assert code == 2
    assert not (dags / "services" / "orders.yaml").exists()


# --- how it starts


def test_it_starts_without_airflow_and_without_its_client() -> None:
    looked = "import sys, include.airlock.cli.main as m; m.parser(); import include.airlock.cli.windows, "
    looked += "include.airlock.cli.scaffold, include.airlock.cli.validating, include.airlock.cli.releasing, "
    looked += (
        "include.airlock.cli.acts; print({'airflow', 'airflow_client', 'rich', 'boto3'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", looked], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "set()\n"


def test_it_starts_in_half_a_second() -> None:
    """CPU seconds, which a busy machine does not change much; the best of three."""
    spent = []
    for _ in range(3):
        before = os.times()
        subprocess.run(
            [sys.executable, "-m", "include.airlock.cli", "--help"], cwd=ROOT, capture_output=True, check=True
        )
        after = os.times()
        spent.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    assert min(spent) < 0.5


def test_the_script_starts_it_from_anywhere(tmp_path: Path) -> None:
    link = tmp_path / "airlock"
    link.symlink_to(ROOT / "bin" / "airlock")
    environment = {**os.environ, "PYTHON": sys.executable}
    environment.pop("PYTHONPATH", None)

    done = subprocess.run(
        [str(link), "validate"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "specs valid" in done.stdout
