"""Each fault does what its sentence says, where it is asked to, as often as it is asked to."""

from __future__ import annotations

import time

import pytest
import requests

from include.sandbox.faults import FAULTS
from tests.sandbox_client import Json, SandboxClient

WHERE = ("payments", "westeurope")
OLD, NEW = "2026.11.1", "2026.11.2"
SWAP = {"operation": "swap", "service": "payments", "region": "westeurope"}


def swapped(sandbox: SandboxClient) -> int:
    """How often the routing has switched."""
    return len(sandbox.events("routing_switched", service="payments"))


def settled(sandbox: SandboxClient) -> None:
    """Wait until nothing is in progress."""
    sandbox.wait_until(lambda: sandbox.state(*WHERE)["operation"] is None)


# --- of a swap


def test_warm_up_never_succeeds_ends_in_417_after_its_seconds(sandbox: SandboxClient) -> None:
    sandbox.fault("warm_up_never_succeeds", where=SWAP, seconds=0.5)
    started = time.monotonic()
    ended = sandbox.swap(*WHERE)
    assert time.monotonic() - started > 0.5
    assert (ended.status_code, ended.json()["Code"]) == (417, "ExpectationFailed")
    assert ended.json()["Message"] == (
        "Cannot swap site slots for site 'payments-westeurope' because the 'staging' slot did not respond to "
        "http ping."
    )
    assert swapped(sandbox) == 0
    assert sandbox.get(*WHERE).json()["build"] == OLD


def test_warm_up_never_succeeds_may_stay_in_progress(sandbox: SandboxClient) -> None:
    sandbox.fault("warm_up_never_succeeds", where=SWAP, seconds=None)
    with pytest.raises(TimeoutError):
        sandbox.follow(sandbox.post_swap(*WHERE), limit=1.5)
    assert swapped(sandbox) == 0


@pytest.mark.parametrize(("when", "retry_after"), [("ended", None), ("started", 3)])
def test_swap_503_after_done_swaps_all_the_same(
    sandbox: SandboxClient, when: str, retry_after: int | None
) -> None:
    sandbox.fault("swap_503_after_done", where=SWAP, times=1, when=when, retry_after=retry_after)
    answer = sandbox.post_swap(*WHERE)
    assert answer.status_code == 503
    assert answer.headers.get("Retry-After") == (None if retry_after is None else "3")
    assert bool(sandbox.state(*WHERE)["operation"]) is (when == "started")
    settled(sandbox)
    assert swapped(sandbox) == 1
    assert sandbox.get(*WHERE).json()["build"] == NEW


@pytest.mark.parametrize(("switched", "build"), [(True, NEW), (False, OLD)])
def test_swap_never_ends(sandbox: SandboxClient, switched: bool, build: str) -> None:
    sandbox.fault("swap_never_ends", where=SWAP, switched=switched)
    with pytest.raises(TimeoutError):
        sandbox.follow(sandbox.post_swap(*WHERE), limit=1.5)
    assert sandbox.get(*WHERE).json()["build"] == build
    assert sandbox.post_swap(*WHERE).status_code == 409
    # And a reset ends even that
    sandbox.reset()
    assert sandbox.swap(*WHERE).status_code == 200


@pytest.mark.parametrize("claimed", [False, True])
def test_swap_succeeds_without_swapping(sandbox: SandboxClient, claimed: bool) -> None:
    sandbox.fault("swap_succeeds_without_swapping", where=SWAP, times=1, claimed=claimed)
    ended = sandbox.swap(*WHERE)
    assert ended.status_code == 200
    assert bool(ended.json()["properties"]["slotSwapStatus"]) is claimed
    assert ended.json()["properties"]["deploymentId"] != "payments-westeurope"
    assert sandbox.get(*WHERE).json()["build"] == OLD
    assert swapped(sandbox) == 0


def test_swap_conflict_is_a_real_swap_by_somebody_else(sandbox: SandboxClient) -> None:
    sandbox.fault("swap_conflict", where=SWAP, times=1, by="portal")
    refused = sandbox.post_swap(*WHERE)
    assert refused.status_code == 409
    assert "OperationName: SwapSiteSlots" in refused.json()["Message"]
    settled(sandbox)
    assert [entry["by"] for entry in sandbox.events("routing_switched")] == ["portal"]
    assert sandbox.get(*WHERE).json()["build"] == NEW


def test_someone_swaps_back_after_the_end(sandbox: SandboxClient) -> None:
    sandbox.fault("someone_swaps_back", where=SWAP, times=1, delay=0.2)
    sandbox.swap(*WHERE)
    assert sandbox.get(*WHERE).json()["build"] == NEW
    sandbox.wait_until(lambda: sandbox.get(*WHERE).json()["build"] == OLD)
    first, second = sandbox.events("routing_switched")
    assert second["by"] == "someone"
    assert first["by"] != "someone"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("conflict_only", "another operation is in progress"),
        ("prepared_for_swap", "has already been prepared for swap with slot 'staging'"),
        ("deployment_in_progress", "There is a deployment currently in progress"),
    ],
)
def test_a_409_without_a_cause_touches_nothing(sandbox: SandboxClient, fault: str, text: str) -> None:
    sandbox.fault(fault, where=SWAP, times=1)
    refused = sandbox.post_swap(*WHERE)
    assert (refused.status_code, refused.json()["Code"]) == (409, "Conflict")
    assert text in refused.json()["Message"]
    assert sandbox.events("swap_started") == []
    assert sandbox.swap(*WHERE).status_code == 200


@pytest.mark.parametrize("when", ["result", "request"])
@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("swap_ping_failed", 417, "did not respond to http ping"),
        ("instances_changed", 400, "the allocation of VM instances for 'staging' slot has changed"),
        ("worker_not_started", 400, "the worker process for 'staging' slot could not be started"),
    ],
)
def test_a_swap_that_gives_up_has_swapped_nothing(
    sandbox: SandboxClient, fault: str, status: int, text: str, when: str
) -> None:
    sandbox.fault(fault, where=SWAP, times=1, when=when)
    accepted = sandbox.post_swap(*WHERE)
    assert accepted.status_code == (status if when == "request" else 202)
    ended = sandbox.follow(accepted)
    assert ended.status_code == status
    assert text in ended.json()["Message"]
    assert swapped(sandbox) == 0
    assert len(sandbox.events("swap_reverted")) == (1 if when == "result" else 0)
    # And the next one is good
    assert sandbox.swap(*WHERE).status_code == 200


def test_unavailable_after_swap(sandbox: SandboxClient) -> None:
    sandbox.fault("unavailable_after_swap", where=SWAP, times=1, seconds=0.6)
    assert sandbox.swap(*WHERE).status_code == 200
    assert sandbox.get(*WHERE).status_code == 503
    sandbox.wait_until(lambda: sandbox.get(*WHERE).status_code == 200)
    assert sandbox.get(*WHERE).json()["build"] == NEW


# --- of any call


def test_a_lost_reply_was_carried_out(sandbox: SandboxClient) -> None:
    sandbox.fault("reply_lost", where=SWAP, times=1)
    with pytest.raises(requests.ConnectionError):
        sandbox.post_swap(*WHERE)
    settled(sandbox)
    assert swapped(sandbox) == 1
    assert [(entry["status"], entry["fault"]) for entry in sandbox.requests_of("swap")] == [
        (202, "reply_lost")
    ]


def test_a_dropped_connection_did_nothing(sandbox: SandboxClient) -> None:
    sandbox.fault("connection_dropped", where=SWAP, times=1)
    with pytest.raises(requests.ConnectionError):
        sandbox.post_swap(*WHERE)
    entries = sandbox.requests_of("swap")
    assert [(entry["status"], entry["fault"]) for entry in entries] == [(None, "connection_dropped")]
    assert sandbox.events("swap_started") == []


@pytest.mark.parametrize("operation", ["get_slot", "operation_result"])
def test_reads_can_lose_their_answer_too(sandbox: SandboxClient, operation: str) -> None:
    accepted = sandbox.post_swap(*WHERE)
    sandbox.fault("reply_lost", where={"operation": operation}, times=1)
    path = sandbox.resource(*WHERE, "staging") if operation == "get_slot" else accepted.headers["Location"]
    with pytest.raises(requests.ConnectionError):
        sandbox.arm("GET", path)
    assert sandbox.arm("GET", path).status_code in (200, 202)
    sandbox.follow(accepted)


@pytest.mark.parametrize(
    ("fault", "params", "status", "code"),
    [
        ("throttled", {"retry_after": 4}, 429, "TooManyRequests"),
        ("server_error", {"status": 500}, 500, "InternalServerError"),
        ("server_error", {"status": 502}, 502, "BadGateway"),
        ("server_error", {"status": 503, "retry_after": 4}, 503, "ServiceUnavailable"),
        ("server_error", {"status": 504}, 504, "GatewayTimeout"),
        ("token_expired", {}, 401, "ExpiredAuthenticationToken"),
        ("forbidden", {}, 403, "AuthorizationFailed"),
    ],
)
def test_a_refusal_by_the_resource_manager_does_nothing(
    sandbox: SandboxClient, fault: str, params: Json, status: int, code: str
) -> None:
    sandbox.fault(fault, where=SWAP, times=1, **params)
    refused = sandbox.post_swap(*WHERE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert refused.headers.get("Retry-After") == ("4" if "retry_after" in params else None)
    assert sandbox.events("swap_started") == []
    assert sandbox.swap(*WHERE).status_code == 200


def test_operation_gone(sandbox: SandboxClient) -> None:
    sandbox.fault("operation_gone", where={"service": "payments"})
    gone = sandbox.follow(sandbox.post_swap(*WHERE))
    assert (gone.status_code, gone.json()["Code"]) == (404, "NotFound")
    settled(sandbox)
    assert swapped(sandbox) == 1


def test_slow_answer(sandbox: SandboxClient) -> None:
    sandbox.fault("slow_answer", where={"operation": "get_site"}, times=1, delay=0.4)
    started = time.monotonic()
    assert sandbox.arm("GET", sandbox.resource(*WHERE)).status_code == 200
    assert time.monotonic() - started > 0.4


def test_request_held(sandbox: SandboxClient) -> None:
    # Given a client that waits, and one that gives up before its request is carried out
    sandbox.fault("request_held", where=SWAP, delay=0.4)
    path = sandbox.resource(*WHERE, "staging") + "/slotsswap"
    body = {"targetSlot": "production", "preserveVnet": True}
    with pytest.raises(requests.Timeout):
        sandbox.arm("POST", path, json=body, timeout=0.1)
    # Then only the first one's is carried out
    started = time.monotonic()
    sandbox.follow(sandbox.post_swap(*WHERE))
    assert time.monotonic() - started > 0.4
    assert [entry["status"] for entry in sandbox.requests_of("swap")] == [None, 202]
    assert swapped(sandbox) == 1


def test_slot_difference(sandbox: SandboxClient) -> None:
    sandbox.fault("slot_difference", times=1)
    body = {"targetSlot": "production", "preserveVnet": True}
    page = sandbox.arm("POST", sandbox.resource(*WHERE, "staging") + "/slotsdiffs", json=body).json()
    assert [item["properties"]["level"] for item in page["value"]].count("Error") == 1


# --- of the status page


@pytest.mark.parametrize("slot", ["production", "staging"])
@pytest.mark.parametrize(
    ("fault", "params", "changed"),
    [
        ("status_wrong_build", {"build": "9.9"}, {"build": "9.9"}),
        ("status_starting", {}, {"state": "starting"}),
        ("status_empty_dependencies", {}, {"dependencies": []}),
        ("status_missing_build", {}, {"build": None}),
        ("status_dependency_down", {"dependency": "queue"}, {"queue": False}),
        ("status_dependency_down", {}, {"database": False}),
    ],
)
def test_a_status_page_that_says_something_else(
    sandbox: SandboxClient, fault: str, params: Json, changed: Json, slot: str
) -> None:
    where = {"service": "payments", "region": "westeurope", "slot": slot}
    sandbox.fault(fault, where=where, times=1, **params)
    honest = {**sandbox.state(*WHERE)}[slot]["build"]
    page = sandbox.status(*WHERE, slot)
    shown = {**{held["name"]: held["connected"] for held in page["dependencies"]}, **page}
    for key, value in changed.items():
        assert shown.get(key) == value
    # And the page of the other slot, and this one's next answer, are honest
    other = "staging" if slot == "production" else "production"
    for name in (other, slot):
        told = sandbox.status(*WHERE, name)
        assert told["state"] == "running"
        assert [held["connected"] for held in told["dependencies"]] == [True, True]
    assert sandbox.status(*WHERE, slot)["build"] == honest


def test_a_status_fault_stays_with_the_slot_when_the_routing_switches(sandbox: SandboxClient) -> None:
    sandbox.fault("status_wrong_build", where={"slot": "production", "region": "westeurope"}, build="9.9")
    sandbox.swap(*WHERE)
    assert sandbox.status(*WHERE)["build"] == "9.9"
    assert sandbox.status(*WHERE, "staging")["build"] == OLD


def test_status_flapping(sandbox: SandboxClient) -> None:
    sandbox.fault("status_flapping", where={"region": "westeurope"}, every=3)
    good = [all(held["connected"] for held in sandbox.status(*WHERE)["dependencies"]) for _ in range(6)]
    assert good == [True, True, False, True, True, False]


def test_status_slow_and_drip(sandbox: SandboxClient) -> None:
    for fault, delay in (("status_slow", 0.5), ("status_drip", 0.01)):
        sandbox.clear_faults()
        sandbox.fault(fault, times=1, delay=delay)
        started = time.monotonic()
        assert sandbox.status(*WHERE)["build"] == OLD
        assert time.monotonic() - started > 0.5


def test_status_huge(sandbox: SandboxClient) -> None:
    sandbox.fault("status_huge", times=1, megabytes=3)
    assert len(sandbox.get(*WHERE, "/status").content) > 3 * 2**20


def test_status_not_json(sandbox: SandboxClient) -> None:
    sandbox.fault("status_not_json", times=1)
    answer = sandbox.get(*WHERE, "/status")
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_status_redirect_error_and_dropped(sandbox: SandboxClient) -> None:
    sandbox.fault("status_redirect", times=1)
    answer = sandbox.get(*WHERE, "/status")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.invalid/status")
    sandbox.fault("status_error", times=1, status=502)
    assert sandbox.get(*WHERE, "/status").status_code == 502
    sandbox.fault("status_dropped", times=1)
    with pytest.raises(requests.ConnectionError):
        sandbox.get(*WHERE, "/status")
    assert sandbox.status(*WHERE)["build"] == OLD


def test_a_status_fault_leaves_the_other_pages_alone(sandbox: SandboxClient) -> None:
    sandbox.fault("status_error")
    assert sandbox.get(*WHERE).status_code == 200
    assert sandbox.get(*WHERE, "/status.txt").status_code == 500


# --- of a deployment


@pytest.mark.parametrize(
    ("fault", "state"), [("one_deploy_fails", "Failed"), ("one_deploy_lies", "Succeeded")]
)
def test_a_deployment_that_leaves_the_content_as_it_was(
    sandbox: SandboxClient, fault: str, state: str
) -> None:
    sandbox.fault(fault, where={"service": "payments"}, times=1)
    path = sandbox.resource(*WHERE, "staging") + "/extensions/onedeploy"
    address = sandbox.endpoints["packages"] + "payments-2026.11.4.zip"
    sandbox.arm("PUT", path, json={"properties": {"packageUri": address, "type": "zip"}})
    settled(sandbox)
    assert sandbox.arm("GET", path).json()["properties"]["provisioningState"] == state
    assert sandbox.status(*WHERE, "staging")["build"] == NEW
    assert sandbox.events("content_changed") == []
    assert sandbox.requests_of("one_deploy")[0]["fault"] == fault


# --- where, how often, after how many


def test_times_after_and_where_are_kept(sandbox: SandboxClient) -> None:
    # Given a fault for the second and third read of one region
    sandbox.fault("server_error", where={"operation": "get_site", "region": "UKSOUTH"}, after=1, times=2)
    path = sandbox.resource("payments", "uksouth")
    assert sandbox.arm("GET", sandbox.resource(*WHERE)).status_code == 200
    assert [sandbox.arm("GET", path).status_code for _ in range(4)] == [200, 503, 503, 200]
    assert sandbox.faults()[0]["played"] == 2


def test_two_faults_can_be_set_and_one_taken_back(sandbox: SandboxClient) -> None:
    first = sandbox.fault("status_error", where={"slot": "staging"})
    sandbox.fault("status_error", where={"slot": "production"})
    requests.delete(f"{sandbox.endpoints['control']}/sandbox/faults?id={first['id']}", timeout=5)
    assert sandbox.get(*WHERE, "/status", slot="staging").status_code == 200
    assert sandbox.get(*WHERE, "/status").status_code == 500


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"fault": "reply_lots"}, "'reply_lots' is no fault; did you mean 'reply_lost'?"),
        ({"fault": "reply_lost", "wher": {}}, "did you mean 'where'?"),
        ({"fault": "reply_lost", "where": {"servise": "x"}}, "did you mean 'service'?"),
        ({"fault": "reply_lost", "where": {"service": 7}}, "'where.service' must be a text"),
        ({"fault": "reply_lost", "times": -1}, "'times' must be a whole number"),
        ({"fault": "throttled", "retry_after": "soon"}, "can't be 'soon'"),
        ({}, "None is no fault"),
        ([], "the body must be a JSON object"),
    ],
)
def test_a_fault_asked_for_wrongly_is_refused(sandbox: SandboxClient, asked: object, text: str) -> None:
    answer = requests.post(sandbox.endpoints["control"] + "/sandbox/faults", json=asked, timeout=5)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
    assert sandbox.faults() == []


def test_every_fault_is_listed_with_its_sentence(sandbox: SandboxClient) -> None:
    names = requests.get(sandbox.endpoints["control"] + "/sandbox/faults?names=1", timeout=5).json()["names"]
    assert set(names) == set(FAULTS)
    for name, held in names.items():
        assert held["sentence"].endswith("."), name
