"""docs/trains.md says what is so: its spec is the shipped one, its calls work, all keys are described."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from include.airlock.model.rollback import RollbackRequest
from include.airlock.model.service import OnFailure
from include.airlock.model.train import POLICIES, TrainSpec
from include.airlock.model.train_loading import load_train
from include.airlock.model.train_request import KEYS, TrainRequest
from tests.unit.pages import ROOT, curls, text
from tests.unit.test_docs import airflow_paths

PAGE = "docs/trains.md"
TRAIN = load_train(ROOT / "dags" / "trains" / "evening.yaml")


def test_its_spec_is_the_one_that_is_shipped() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)```$", text(PAGE), re.DOTALL | re.MULTILINE)
    assert shown == (ROOT / "dags" / "trains" / "evening.yaml").read_text(encoding="utf-8")


def test_its_calls_can_be_made() -> None:
    calls = curls(PAGE)
    assert [urlsplit(url).path.split("/")[4] for _, url, _ in calls] == [
        "train_evening",
        "train_evening",
        "rollback_train_evening",
    ]
    for method, url, _ in calls:
        path = urlsplit(url.removeprefix("$AIRFLOW")).path
        assert any(known == method and pattern.fullmatch(path) for known, pattern in airflow_paths()), path
    release, plan, back = (body["conf"] for _, _, body in calls)
    assert TrainRequest.of(TRAIN, release).regions == TRAIN.regions
    assert all(each.plan_only for each in TrainRequest.of(TRAIN, plan).requests)
    for service in TRAIN.services:
        assert RollbackRequest.of(service, back).release == "CHG-2001"


@pytest.mark.parametrize(
    "word", [*TrainSpec.model_fields, *KEYS, "build_<service>", "plan_<service>", *POLICIES, "release", "dry"]
)
def test_every_key_and_param_is_described(word: str) -> None:
    assert f"`{word}`" in text(PAGE)
    assert OnFailure.ASK not in POLICIES
