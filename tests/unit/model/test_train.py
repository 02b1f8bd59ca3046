"""A train's spec: what is read, and every fault with file, line and the nearest word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.errors import SpecError
from include.airlock.model.train import merged
from include.airlock.model.train_loading import load_train

SERVICES = Path(__file__).resolve().parents[3] / "dags/services"
GOOD = """train: evening
owner: team-shop
services: [payments, catalog]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SERVICES, tmp_path / "services")
    (tmp_path / "trains").mkdir()
    return tmp_path / "trains"


def load(folder: Path, text: str) -> object:
    (folder / "evening.yaml").write_text(text, encoding="utf-8")
    return load_train(folder / "evening.yaml")


def test_regions_are_those_of_all_services_in_their_order(folder: Path) -> None:
    # Given no regions / Then those of the first service, and what the other adds right after the shared one
    (folder / "evening.yaml").write_text(GOOD, encoding="utf-8")
    train = load_train(folder / "evening.yaml")
    assert train.regions == ("westeurope", "eastus", "northeurope", "uksouth")
    assert [each.service for each in train.there("westeurope")] == ["payments", "catalog"]
    assert [each.service for each in train.there("eastus")] == ["catalog"]
    assert (train.at_once, train.spec.on_failure.value) == (2, "roll_back_region")


def test_a_rolling_service_has_its_farms_in_their_region(folder: Path) -> None:
    (folder / "evening.yaml").write_text(GOOD.replace("catalog", "checkout"), encoding="utf-8")
    train = load_train(folder / "evening.yaml")
    assert train.regions == ("westeurope", "northeurope", "uksouth", "eu-west-1")
    checkout = train.services[1]
    assert train.places(checkout, "eu-west-1") == ("eu-west-1.staging", "eu-west-1.production")
    assert {each.value for each in train.policies} == {"halt", "roll_back_region", "roll_back_release"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "evening.yaml:1: the file is empty; a spec starts with 'train: evening'"),
        ("- a", "evening.yaml:1: a spec is a mapping of keys, like 'train: evening'"),
        (GOOD + "bake: 3s\n", "evening.yaml:4: unknown key 'bake'; valid: "),
        (GOOD + "region: [a]\n", "evening.yaml:4: unknown key 'region'; did you mean 'regions'?"),
        (GOOD.replace("evening", "morning"), "evening.yaml:1: train: 'morning' must be the file's own name"),
        (
            GOOD.replace("catalog", "catalogue"),
            "evening.yaml:3: services[1]: there is no service 'catalogue'; did",
        ),
        (GOOD.replace("catalog", "payments"), "evening.yaml:3: services[1]: 'payments' stands here twice"),
        (GOOD + "parallel: often\n", "evening.yaml:4: parallel: 'often' must be true, false, or how many"),
        (GOOD + "parallel: 0\n", "evening.yaml:4: parallel: 0 must be true, false, or how many"),
        (GOOD + "on_failure: ask\n", "evening.yaml:4: on_failure: 'ask' is not valid"),
        (
            GOOD + "on_failure: roll_back_machine\n",
            "evening.yaml:4: on_failure: 'roll_back_machine' is for the strategy 'rolling' alone",
        ),
        (
            GOOD + "regions: [westeurope, northeurop]\n",
            "evening.yaml:4: regions[1]: 'northeurop' is no region of its services; did you mean",
        ),
        (
            GOOD + "regions: [northeurope, westeurope, eastus]\n",
            "evening.yaml:4: regions[1]: 'payments' is released in the order westeurope, northeurope; a",
        ),
        (GOOD + "regions: [uksouth]\n", "evening.yaml:4: regions: 'catalog' is in none of them"),
    ],
    ids=lambda text: text[-40:],
)
def test_each_fault_is_said_with_its_line(folder: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError) as found:
        load(folder, text)
    assert said in str(found.value)


def test_no_rollback_has_the_name_of_another(folder: Path) -> None:
    (folder.parent / "services" / "train_evening.yaml").write_text("", encoding="utf-8")
    with pytest.raises(SpecError, match=r"evening\.yaml:1: train: there is a service 'train_evening'"):
        load(folder, GOOD)


def test_services_in_opposite_orders_need_no_regions_that_suit_neither(folder: Path) -> None:
    # Given a service that goes the other way round / Then the train says so where the services stand
    spec = (folder.parent / "services" / "catalog.yaml").read_text(encoding="utf-8")
    spec = spec.replace("westeurope", "x").replace("eastus", "westeurope").replace("name: x", "name: uksouth")
    turned = spec.replace("name: westeurope", "name: y").replace("name: uksouth", "name: westeurope")
    head, tail = turned.replace("name: y", "name: uksouth").split("  - name: westeurope")
    first, second = tail.split("  - name: uksouth")
    second, rest = second.split("status_page:")
    swapped = f"{head}  - name: uksouth{second}  - name: westeurope{first}status_page:{rest}"
    (folder.parent / "services" / "catalog.yaml").write_text(swapped, encoding="utf-8")
    with pytest.raises(SpecError, match=r"evening\.yaml:3: services: 'catalog' is released in the order"):
        load(folder, GOOD)


@given(st.lists(st.permutations("abcdef").map(lambda p: p[:4]), min_size=1, max_size=4))
def test_merging_keeps_the_first_order_and_loses_nothing(orders: list[list[str]]) -> None:
    found = merged(orders)
    assert [each for each in found if each in orders[0]] == orders[0]
    assert sorted(found) == sorted({each for order in orders for each in order})
