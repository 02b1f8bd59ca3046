"""What a train is asked for: the change request of each of its services, and every fault in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.airlock.errors import RequestError
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.service import OnFailure, Service
from include.airlock.model.train_loading import load_train
from include.airlock.model.train_request import TrainRequest, train_schema

TRAIN = load_train(Path(__file__).resolve().parents[3] / "dags/trains/evening.yaml")
PAYMENTS, CATALOG = TRAIN.services
BUILDS = {"build_payments": "2026.11.2", "build_catalog": "2026.11.7"}


def request_of(found: TrainRequest, service: Service) -> ChangeRequest:
    return found.requests[found.train.services.index(service)]


def test_each_service_gets_its_own_change_request() -> None:
    asked = BUILDS | {"change_request": "CHG-7", "reason": "fees", "on_failure": "roll_back_release"}
    found = TrainRequest.of(TRAIN, asked)
    payments, catalog = request_of(found, PAYMENTS), request_of(found, CATALOG)
    assert (payments.build, catalog.build) == ("2026.11.2", "2026.11.7")
    assert payments.regions == PAYMENTS.places and catalog.regions == CATALOG.places
    assert {payments.change_request, catalog.change_request} == {"CHG-7"}
    assert {payments.on_failure, catalog.on_failure} == {OnFailure.ROLL_BACK_RELEASE}


def test_the_policy_is_the_trains_not_the_services() -> None:
    assert CATALOG.on_failure is OnFailure.HALT
    assert request_of(TrainRequest.of(TRAIN, BUILDS), CATALOG).on_failure is OnFailure.ROLL_BACK_REGION


def test_a_service_that_is_in_none_of_the_asked_regions_is_asked_for_nowhere() -> None:
    found = TrainRequest.of(TRAIN, BUILDS | {"regions": ["uksouth", "northeurope"]})
    assert found.regions == ("northeurope", "uksouth")
    assert request_of(found, PAYMENTS).regions == ("northeurope", "uksouth")
    assert request_of(found, CATALOG).regions == ()


def test_each_service_can_be_bound_to_its_own_plan() -> None:
    digits = "3f2a9c01d4e5b687"
    found = TrainRequest.of(TRAIN, BUILDS | {"plan_catalog": digits})
    assert (request_of(found, PAYMENTS).plan, request_of(found, CATALOG).plan) == (None, digits)


def test_all_services_are_planned_or_none() -> None:
    found = TrainRequest.of(TRAIN, BUILDS | {"plan_only": True})
    assert [each.plan_only for each in found.requests] == [True, True]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"build_catalog": None}, "catalog: build: is missing"),
        ({"build_payments": "v1"}, "payments: build: 'v1' does not match this service's pattern"),
        ({"build_catalogue": "1"}, "unknown key 'build_catalogue'; did you mean 'build_catalog'?"),
        ({"regions": ["eastus2"]}, "regions: 'eastus2' is not a region; did you mean 'eastus'?"),
        ({"regions": "eastus"}, "regions: 'eastus' is not a list"),
        ({"on_failure": "ask"}, "on_failure: 'ask' is not valid"),
        ({"window_override": "now"}, "window_override: no service of this train has windows or freezes"),
        ({"plan_payments": "abc"}, "payments: plan: 'abc' is not valid"),
        ({"plan_only": "yes"}, "payments: plan_only: "),
        ({"reason": "x" * 501}, "reason: has more than 500 characters"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as found:
        TrainRequest.of(TRAIN, BUILDS | asked)
    assert str(found.value).startswith("can't release the train evening: ") and said in str(found.value)


def test_the_form_has_a_required_build_for_each_service() -> None:
    schema = train_schema(TRAIN)
    assert all("default" not in schema[key] for key in BUILDS)
    assert schema["build_payments"]["title"] == "Build of payments"
    assert "ask" not in schema["on_failure"]["enum"]
