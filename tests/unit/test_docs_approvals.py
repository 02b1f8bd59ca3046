"""The page on approvals: each option and each answer's consequence that it names is the product's own."""

from __future__ import annotations

from datetime import timedelta

from ruamel.yaml import YAML

from include.airlock.model.approvals import Before
from include.airlock.model.decision import APPROVE, POLICIES, REASON, REJECT, Choice
from include.airlock.model.loading import parse_service
from include.airlock.release.step import RETRIES
from include.airlock.strategies import compile_plan
from tests.unit.pages import blocks, text

PAGE = "docs/approvals.md"


def test_the_spec_shown_asks_as_the_page_says() -> None:
    (block,) = blocks(PAGE, "yaml")
    service = parse_service(block, name=f"{YAML(typ='safe', pure=True).load(block)['service']}.yaml")
    assert service.approvals is not None and set(service.approvals.before) == set(Before)
    assert service.ask.expiry == timedelta(minutes=30)
    asking = [step.id for step in compile_plan(service) if step.verb == "approve"]
    assert asking == ["approve", "westeurope.approve", "northeurope.approve"]


def test_every_option_is_described_by_its_own_words() -> None:
    page = text(PAGE)
    assert [option for option in (*Choice, APPROVE, REJECT) if f"| {option}" not in page] == []
    for option, policy in POLICIES.items():
        assert f"| {option} | as `{policy}` |" in page


def test_the_numbers_are_the_codes() -> None:
    page = text(PAGE)
    assert f"`why`, of {REASON.longest} characters at most" in page
    assert RETRIES + 1 == 7 and "lost seven times" in page
