"""docs/plan.md says what is so: its calls can be made, its plan and its refusal are such as are printed."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from include.airlock.aws import planned as aws
from include.airlock.azure import planned as azure
from include.airlock.azure.planned import foresee
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.loading import load_service
from include.airlock.model.plan_report import Past, PlanReport, report
from include.airlock.model.plan_words import differences, in_words
from include.airlock.model.record import RegionRecord, Side
from include.airlock.model.service import SlotSwapService
from include.airlock.release.ledger import KEPT_PLANS
from include.airlock.release.place import Fault
from include.airlock.release.planning import REMEMBERED, PlanDrifted
from tests.unit.pages import ROOT, blocks, curls, text
from tests.unit.test_docs import airflow_paths

PAGE = "docs/plan.md"
OLD, NEW, OTHER = "2026.11.1", "2026.11.2", "2026.11.3"
PAST = Past({"westeurope": {"swap": [62.0, 58.0, 60.0], "verify": [3.1], "bake": [2.2]}})


def plan(*, staging: str = NEW) -> PlanReport:
    """A plan of two regions of payments; ``staging`` is what the second one holds."""
    service = load_service(ROOT / "dags" / "services" / "payments.yaml")
    assert isinstance(service, SlotSwapService)
    wish = ChangeRequest.of(service, {"build": NEW, "regions": ["westeurope", "northeurope"]})
    held = {"westeurope": NEW, "northeurope": staging}
    regions = [
        RegionRecord(name=name, old_build=OLD, production=Side(build=OLD), staging=Side(build=build))
        for name, build in held.items()
    ]
    parts = [foresee(service, region, wish) for region in regions]
    return report(
        service, wish, parts, PAST, made_at="2026-11-21T20:00:00.000+00:00", made_by="CHG-1001-plan"
    )


def test_its_calls_can_be_made() -> None:
    payments = load_service(ROOT / "dags" / "services" / "payments.yaml")
    asked = {}
    for method, url, body in curls(PAGE):
        path = urlsplit(url.removeprefix("$AIRFLOW")).path
        assert any(known == method and pattern.fullmatch(path) for known, pattern in airflow_paths()), path
        if body:
            asked[body["dag_run_id"]] = ChangeRequest.of(payments, body["conf"])
    assert asked["CHG-1001-plan"].plan_only and asked["CHG-1001"].plan == plan().hash


def test_the_plan_shown_is_one_that_is_printed() -> None:
    (shown,) = re.findall(r"^```\n(plan .*?)^```$", text(PAGE), re.DOTALL | re.MULTILINE)
    assert shown == f"{in_words(plan())}\n"


def test_the_refusal_shown_is_one_that_is_given() -> None:
    before, now = plan(), plan(staging=OTHER)
    faults = [Fault(each.where, "drifted", each.text) for each in differences(before, now)]
    (shown,) = re.findall(r"^```\n(\d things? .*?)^```$", text(PAGE), re.DOTALL | re.MULTILINE)
    assert shown == f"{PlanDrifted(before.hash, faults)}\n"


def test_the_call_shown_is_one_of_it() -> None:
    (shown,) = blocks(PAGE, "json")
    assert json.loads(shown) == plan().told()["calls"][0]


def test_every_field_is_described() -> None:
    assert [key for key in plan().told() if f"| `{key}` |" not in text(PAGE)] == []


@pytest.mark.parametrize(
    "seconds", [azure.SWAP_S, azure.REFRESH_S, aws.DEPLOY_S, aws.SAMPLE_S, REMEMBERED, KEPT_PLANS]
)
def test_the_defaults_are_described(seconds: float) -> None:
    assert re.search(rf"\b{seconds:.0f}\b", text(PAGE))
