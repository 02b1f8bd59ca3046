"""The models of a spec: what is filled in, what is kept, and that nothing can be changed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from include.airlock.model.loading import parse_service
from include.airlock.model.service import (
    BlueGreenService,
    OnFailure,
    RollingService,
    Service,
    SlotSwapService,
)
from include.airlock.model.status_page import AnyStatusPage, JsonPage, PatternPage
from tests.unit.model.specs import BLUE_GREEN, EXAMPLES, ROLLING, SMALLEST, changed, example, service


def shipped(name: str) -> Service:
    return parse_service(example(name), name=f"{name}.yaml")


def test_what_is_left_out_is_filled_in() -> None:
    smallest = service()
    assert isinstance(smallest, SlotSwapService)
    assert smallest.bake == timedelta(minutes=5)
    assert smallest.on_failure is OnFailure.ROLL_BACK_REGION
    assert smallest.regions[0].slot == "staging"
    assert smallest.refresh is None
    assert smallest.announce.slack is None
    assert smallest.status_page.consecutive == 3
    assert smallest.status_page.unhealthy_after == 5


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_spec_written_out_and_read_again_is_the_same(name: str) -> None:
    first = parse_service(example(name), name=f"{name}.yaml")
    written = yaml.safe_dump(first.model_dump(mode="json"), sort_keys=False)
    assert parse_service(written, name=f"{name}.yaml") == first


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_status_page_survives_the_wire(name: str) -> None:
    """Given the page as JSON, as a trigger gets it, then it reads back the same."""
    page = parse_service(example(name), name=f"{name}.yaml").status_page
    wire = json.loads(json.dumps(page.model_dump(mode="json")))
    assert TypeAdapter(AnyStatusPage).validate_python(wire) == page


def test_the_examples_show_every_way() -> None:
    payments, catalog, _, checkout, search = every = [shipped(name) for name in EXAMPLES]
    assert isinstance(payments.status_page, JsonPage)
    assert isinstance(catalog.status_page, PatternPage)
    waits_for_people = {OnFailure.ASK}  # docs/approvals.md shows it; the examples run through by themselves
    assert {each.on_failure for each in every} == set(OnFailure) - waits_for_people
    assert payments.refresh is not None and payments.refresh.package is not None
    assert catalog.refresh is not None and catalog.refresh.container is not None
    assert isinstance(checkout, RollingService)
    assert isinstance(search, BlueGreenService)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("payments", ("westeurope", "northeurope", "uksouth")),
        ("checkout", ("eu-west-1.staging", "eu-west-1.production")),
        ("search", ("eu-west-1",)),
    ],
)
def test_places_are_the_lanes_in_order(name: str, places: tuple[str, ...]) -> None:
    assert shipped(name).places == places


@pytest.mark.parametrize("text", [ROLLING, BLUE_GREEN])
def test_only_slots_are_refreshed(text: str) -> None:
    """Given a service on machines, then shared code may ask for its refresh, and there is none."""
    assert service(text).refresh is None


@pytest.mark.parametrize("text", [SMALLEST, ROLLING, BLUE_GREEN])
def test_the_default_policy_is_one_of_the_strategys_own(text: str) -> None:
    smallest = service(text)
    assert smallest.on_failure in smallest.policies
    assert service(text + "on_failure: halt\n").on_failure is OnFailure.HALT


def test_regions_keep_their_order_and_are_found_by_name() -> None:
    payments = shipped("payments")
    assert isinstance(payments, SlotSwapService)
    assert payments.region("uksouth").app == "payments-uksouth"
    with pytest.raises(KeyError):
        payments.region("mars")


def test_a_spec_can_not_be_changed_once_read() -> None:
    with pytest.raises(ValidationError):
        service().bake = timedelta(0)


def test_the_policy_is_the_pages_own() -> None:
    policy = service(
        changed("health: state", "health: state\n  consecutive: 2\n  deadline: 90s")
    ).status_page.policy()
    assert (policy.consecutive, policy.deadline_s, policy.interval_s, policy.soak_s) == (2, 90.0, 2.0, 0.0)


@pytest.mark.parametrize("channel", ["'#releases'", "'#über-uns'", "C0123456789"])
def test_slack_channels(channel: str) -> None:
    text = SMALLEST + f"announce: {{slack: {{connection: slack_default, channel: {channel}}}}}\n"
    slack = service(text).announce.slack
    assert slack is not None and slack.channel == channel.strip("'")


def test_the_same_app_name_behind_another_connection_is_another_app() -> None:
    """Given one app name in two subscriptions, then the spec is good."""
    region = "  - {name: uksouth, connection: other, resource_group: rg-payments, app: payments-westeurope}\n"
    assert len(service(changed("status_page:", region + "status_page:")).regions) == 2
