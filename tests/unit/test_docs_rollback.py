"""docs/rollback.md says what is so: its calls can be made, and its sentences are said."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from include.airlock.azure.outlook import outlook
from include.airlock.model.loading import load_service
from include.airlock.model.rollback import KEYS, RollbackRequest, Way, report
from tests.unit.azure.test_outlook import REGION, after
from tests.unit.pages import ROOT, curls, text
from tests.unit.test_docs import airflow_paths

PAGE = "docs/rollback.md"
OLD, NEW = "2026.11.1", "2026.11.2"


def test_its_calls_can_be_made() -> None:
    payments = load_service(ROOT / "dags" / "services" / "payments.yaml")
    calls = curls(PAGE)
    assert len(calls) == 2
    for method, url, body in calls:
        path = urlsplit(url.removeprefix("$AIRFLOW")).path
        assert any(known == method and pattern.fullmatch(path) for known, pattern in airflow_paths()), path
        assert "rollback_payments" in url
        assert RollbackRequest.of(payments, body["conf"]).reason == body["conf"]["reason"]


def test_every_param_is_described() -> None:
    assert [key for key in KEYS if f"| `{key}` |" not in text(PAGE)] == []


def test_the_look_shown_is_one_that_is_given() -> None:
    # Given a region whose staging holds the old build, one that was refreshed, and one that is back
    region = REGION.model_copy(update={"old_build": OLD, "new_build": NEW})
    seen = {
        "uksouth": after(production=NEW, staging=OLD),
        "northeurope": after(production=NEW, staging=NEW),
        "westeurope": after(production=OLD, staging=NEW),
    }
    looks = [(name, outlook(region, each, can_deploy=True)) for name, each in seen.items()]
    assert [each.way for _, each in looks] == [Way.INSTANT, Way.REDEPLOY, Way.DONE]
    # Then the page shows the very lines
    (shown,) = re.findall(r"^```\n(CHG-1001 .*?)```$", text(PAGE), re.DOTALL | re.MULTILINE)
    assert shown == f"CHG-1001 ({NEW}):\n{report(looks)}\n"
