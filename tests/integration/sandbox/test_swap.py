"""What a swap does, seen from outside: traffic, state fields, settings, refusals."""

from __future__ import annotations

import re
import threading
from datetime import datetime

import pytest
import requests

from tests.sandbox_client import API_VERSION, SandboxClient

WHERE = ("payments", "westeurope")
OLD, NEW = "2026.11.1", "2026.11.2"


class Caller(threading.Thread):
    """Calls one address over and over, on a kept connection or on fresh ones, and notes every answer."""

    def __init__(self, url: str, ca_file: str, *, fresh: bool) -> None:
        super().__init__(daemon=True)
        self._url, self._ca_file, self._fresh = url, ca_file, fresh
        self._ended = threading.Event()
        self.builds: list[str] = []
        self.failures: list[str] = []

    def run(self) -> None:
        session = requests.Session()
        while not self._ended.is_set():
            if self._fresh:
                session.close()
            try:
                answer = session.get(self._url, timeout=10, verify=self._ca_file)
                answer.raise_for_status()
                self.builds.append(answer.json()["build"])
            except requests.RequestException as error:
                self.failures.append(str(error))

    def end(self) -> None:
        self._ended.set()
        self.join(15)


def properties(sandbox: SandboxClient, slot: str) -> dict:
    return sandbox.arm("GET", sandbox.resource(*WHERE, slot)).json()["properties"]


def test_a_swap_moves_traffic_and_no_request_fails(sandbox: SandboxClient) -> None:
    # Given clients on kept and on fresh connections, and one whose request outlasts the whole swap
    url = sandbox.region(*WHERE)["production"]
    callers = [Caller(url, sandbox.ca_file, fresh=fresh) for fresh in (False, True)]
    callers.append(Caller(f"{url}/slow?seconds=0.7", sandbox.ca_file, fresh=True))
    for caller in callers:
        caller.start()
    sandbox.wait_until(lambda: all(caller.builds for caller in callers))
    # When staging is swapped into production
    ended = sandbox.swap(*WHERE)
    sandbox.wait_until(lambda: all(caller.builds and caller.builds[-1] == NEW for caller in callers))
    for caller in callers:
        caller.end()
    # Then every request was answered, by the old build first and by the new one from the switch on
    assert ended.status_code == 200
    for caller in callers:
        assert caller.failures == []
        assert caller.builds == sorted(caller.builds)
        assert set(caller.builds) == {OLD, NEW}


def test_a_request_in_flight_finishes_on_the_instance_it_began_with(sandbox: SandboxClient) -> None:
    # Given a request that takes longer than the swap
    found: list[requests.Response] = []
    slow = threading.Thread(target=lambda: found.append(sandbox.get(*WHERE, "/slow?seconds=1.5")))
    slow.start()
    # When the swap goes through meanwhile
    sandbox.swap(*WHERE)
    slow.join(10)
    # Then the old build has answered it, though the new one serves
    assert found[0].json()["build"] == OLD
    assert sandbox.get(*WHERE).json()["build"] == NEW


def test_the_state_fields_move_as_recorded(sandbox: SandboxClient) -> None:
    # Given both slots before their first swap
    before = {slot: properties(sandbox, slot) for slot in ("production", "staging")}
    assert before["production"]["slotSwapStatus"] is None
    assert before["production"]["deploymentId"] == "payments-westeurope"
    assert re.fullmatch(r"payments-westeurope__[0-9a-f]{4}", before["staging"]["deploymentId"])
    assert before["staging"]["name"] == "payments-westeurope(staging)"
    # When they are swapped
    accepted = sandbox.post_swap(*WHERE)
    during = properties(sandbox, "staging")["inProgressOperationId"]
    ended = sandbox.follow(accepted)
    # Then the deployment ids have changed places and both tell of the same swap
    after = {slot: properties(sandbox, slot) for slot in ("production", "staging")}
    assert after["production"]["deploymentId"] == before["staging"]["deploymentId"]
    assert after["staging"]["deploymentId"] == before["production"]["deploymentId"]
    told = after["production"]["slotSwapStatus"]
    assert told == after["staging"]["slotSwapStatus"]
    assert (told["sourceSlotName"], told["destinationSlotName"]) == ("staging", "Production")
    assert told["timestampUtc"].endswith("Z")
    # And the operation was shown while it ran, and is over
    assert during in accepted.headers["Location"]
    assert after["staging"]["inProgressOperationId"] is None
    # And the last answer is the source slot's JSON, with another ETag than the first
    assert ended.json()["name"] == "payments-westeurope/staging"
    assert ended.json()["type"] == "Microsoft.Web/sites/slots"
    assert ended.headers["ETag"] != accepted.headers["ETag"]
    # And the time of the last change has no zone, unlike that of the swap
    modified = after["staging"]["lastModifiedTimeUtc"]
    assert datetime.fromisoformat(modified).tzinfo is None
    assert modified != before["staging"]["lastModifiedTimeUtc"]


def test_the_first_answer_is_202_with_a_long_address_that_changes(sandbox: SandboxClient) -> None:
    # When a swap is asked for and its result is polled twice
    first = sandbox.post_swap(*WHERE)
    second = sandbox.arm("GET", first.headers["Location"])
    # Then each 202 is empty and has its own address of the same operation
    for answer in (first, second):
        assert (answer.status_code, answer.content) == (202, b"")
        assert len(answer.headers["Location"]) > 3000
        assert f"api-version={API_VERSION}" in answer.headers["Location"]
    assert first.headers["Location"] != second.headers["Location"]
    assert first.headers["Location"].partition("?")[0] == second.headers["Location"].partition("?")[0]
    # And the oldest address still answers at the end
    sandbox.follow(second)
    assert sandbox.arm("GET", first.headers["Location"]).status_code == 200


def test_an_address_with_a_forged_signature_is_refused(sandbox: SandboxClient) -> None:
    accepted = sandbox.post_swap(*WHERE)
    forged = re.sub(r"t=\d+", "t=1", accepted.headers["Location"])
    assert sandbox.arm("GET", forged).status_code == 403
    sandbox.follow(accepted)


def test_the_routing_switches_before_the_operation_ends(sandbox: SandboxClient) -> None:
    # When a swap runs
    accepted = sandbox.post_swap(*WHERE)
    sandbox.wait_until(lambda: sandbox.get(*WHERE).json()["build"] == NEW, every=0.01)
    # Then the new build serves while the operation is still in progress
    assert sandbox.arm("GET", accepted.headers["Location"]).status_code == 202
    sandbox.follow(accepted)
    switched, ended = (sandbox.events(name)[0] for name in ("routing_switched", "swap_ended"))
    assert ended["at"] - switched["at"] > 0.185  # switch_to_end is 1.9 s, ten times as fast here
    assert (switched["production"], switched["staging"]) == (NEW, OLD)


def test_swapping_twice_puts_the_old_build_back(sandbox: SandboxClient) -> None:
    for build in (NEW, OLD):
        sandbox.swap(*WHERE)
        assert sandbox.get(*WHERE).json()["build"] == build
    assert len(sandbox.events("routing_switched")) == 2


def test_a_swap_says_its_phases_in_order(sandbox: SandboxClient) -> None:
    sandbox.swap(*WHERE)
    happened = [entry.get("event") or entry["operation"] for entry in sandbox.journal()]
    assert happened == ["swap", "swap_started", "restarted", "routing_switched", "restarted", "swap_ended"]


def test_settings_that_stick_stay_and_the_others_travel(sandbox: SandboxClient) -> None:
    # Given a setting of staging that travels
    listed = sandbox.arm("POST", sandbox.resource(*WHERE, "staging") + "/config/appsettings/list").json()
    changed = {**listed["properties"], "LOG_LEVEL": "debug", "DIAGNOSTICS_EXTENSION_VERSION": "~3"}
    path = sandbox.resource(*WHERE, "staging") + "/config/appsettings"
    assert sandbox.arm("PUT", path, json={"properties": changed}).status_code == 200
    # When the slots are swapped
    sandbox.swap(*WHERE)
    # Then production has it, and its own database and environment
    path = sandbox.resource(*WHERE) + "/config/appsettings/list"
    now = sandbox.arm("POST", path).json()["properties"]
    assert now["LOG_LEVEL"] == "debug"
    assert now["ENVIRONMENT"] == "production"
    assert now["DATABASE_URL"] != changed["DATABASE_URL"]
    assert "DIAGNOSTICS_EXTENSION_VERSION" not in now


def test_a_build_meets_the_settings_of_the_slot_it_runs_in(sandbox: SandboxClient) -> None:
    # Given a build that needs a ledger, healthy in staging of a region whose production has none
    where = ("payments", "northeurope")
    sandbox.stage(*where, "2026.11.3")
    assert all(held["connected"] for held in sandbox.status(*where, "staging")["dependencies"])
    # When it is swapped into production
    sandbox.swap(*where)
    # Then its ledger is lost there
    page = sandbox.status(*where)
    lost = {"name": "ledger", "connected": False}
    assert (page["build"], page["state"]) == ("2026.11.3", "running")
    assert lost in page["dependencies"]
    # And in the other regions it is not
    sandbox.stage(*WHERE, "2026.11.3")
    sandbox.swap(*WHERE)
    assert lost not in sandbox.status(*WHERE)["dependencies"]


def test_the_source_runs_with_the_targets_settings_before_the_switch(sandbox: SandboxClient) -> None:
    # Given the same build, and a swap that stops before the switch
    where = ("payments", "northeurope")
    sandbox.stage(*where, "2026.11.3")
    sandbox.fault("swap_never_ends", switched=False)
    # When the swap has warmed the source up
    sandbox.post_swap(*where)
    sandbox.wait_until(lambda: sandbox.state(*where)["operation"]["phase"] == "warming up")
    # Then staging already shows what production will be, and production serves its old build
    assert {"name": "ledger", "connected": False} in sandbox.status(*where, "staging")["dependencies"]
    assert sandbox.get(*where).json()["build"] == OLD


def test_a_second_swap_meets_409_with_the_operation(sandbox: SandboxClient) -> None:
    accepted = sandbox.post_swap(*WHERE)
    operation = accepted.headers["Location"].partition("operationresults/")[2].partition("?")[0]
    refused = sandbox.post_swap(*WHERE)
    body = refused.json()
    assert (refused.status_code, body["Code"]) == (409, "Conflict")
    assert body["Message"].startswith(
        f"Cannot modify this site because another operation is in progress. Details: Id: {operation}, "
        "OperationName: SwapSiteSlots, CreatedTime: "
    )
    assert "SiteName: payments-westeurope, SlotName: staging" in body["Message"]
    assert "error" not in body
    assert body["Details"][2]["ErrorEntity"]["ExtendedCode"] == "59203"
    sandbox.follow(accepted)
    assert len(sandbox.events("swap_started")) == 1


@pytest.mark.parametrize("call", ["/restart", "/stop", "/config/appsettings"])
def test_nothing_else_changes_the_site_during_a_swap(sandbox: SandboxClient, call: str) -> None:
    accepted = sandbox.post_swap(*WHERE)
    method = "PUT" if call.startswith("/config") else "POST"
    refused = sandbox.arm(method, sandbox.resource(*WHERE, "staging") + call, json={"properties": {}})
    assert refused.status_code == 409
    assert "OperationName: SwapSiteSlots" in refused.json()["Message"]
    sandbox.follow(accepted)


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 400, "targetSlot"),
        ({"targetSlot": "production"}, 400, "preserveVnet"),
        ({"targetSlot": "qa", "preserveVnet": True}, 404, "qa"),
        ({"targetSlot": "staging", "preserveVnet": True}, 400, "itself"),
    ],
)
def test_a_swap_asked_for_wrongly_changes_nothing(
    sandbox: SandboxClient, body: dict, status: int, word: str
) -> None:
    path = sandbox.resource(*WHERE, "staging") + "/slotsswap"
    refused = sandbox.arm("POST", path, json=body)
    assert refused.status_code == status
    assert word in refused.json()["Message"]
    assert sandbox.events("swap_started") == []


def test_a_stopped_slot_is_not_swapped(sandbox: SandboxClient) -> None:
    sandbox.arm("POST", sandbox.resource(*WHERE, "staging") + "/stop")
    assert properties(sandbox, "staging")["state"] == "Stopped"
    assert sandbox.get(*WHERE, slot="staging").status_code == 403
    refused = sandbox.post_swap(*WHERE)
    assert refused.status_code == 409
    assert "stopped" in refused.json()["Message"]


def test_a_build_that_never_starts_is_reverted(sandbox: SandboxClient) -> None:
    # Given a build whose process exits
    sandbox.stage(*WHERE, "2026.11.9-broken")
    # When it is swapped
    ended = sandbox.swap(*WHERE)
    # Then the result is the platform's 400, production is untouched, and the site is free again
    assert ended.status_code == 400
    assert ended.json()["Message"] == (
        "Cannot swap slots for site 'payments-westeurope' because the worker process for 'staging' slot "
        "could not be started."
    )
    assert sandbox.get(*WHERE).json()["build"] == OLD
    assert sandbox.state(*WHERE)["operation"] is None
    assert [entry["reason"] for entry in sandbox.events("swap_reverted")] == [ended.json()["Message"]]


@pytest.mark.parametrize(
    ("path", "statuses", "status"),
    [
        ("/", "200", 200),
        ("", "200", 200),
        ("status", "200", 200),
        ("/", "204, 202", 417),
        ("/nothing-here", "200", 417),
        ("/nothing-here", "", 200),
    ],
)
def test_the_warm_up_asks_the_path_and_accepts_the_codes_that_the_settings_name(
    sandbox: SandboxClient, path: str, statuses: str, status: int
) -> None:
    base = sandbox.resource(*WHERE, "staging") + "/config/appsettings"
    settings = sandbox.arm("POST", base + "/list").json()["properties"]
    settings["WEBSITE_SWAP_WARMUP_PING_PATH"] = path
    settings["WEBSITE_SWAP_WARMUP_PING_STATUSES"] = statuses
    sandbox.arm("PUT", base, json={"properties": settings})
    ended = sandbox.swap(*WHERE)
    assert ended.status_code == status
    if status == 417:
        assert "did not respond to http ping" in ended.json()["Message"]
        assert ended.json()["Code"] == "ExpectationFailed"


def test_ids_are_compared_whatever_their_case(sandbox: SandboxClient) -> None:
    path = sandbox.resource(*WHERE, "staging").upper().replace("/SUBSCRIPTIONS", "/Subscriptions")
    answer = sandbox.arm("GET", path)
    assert answer.status_code == 200
    assert answer.json()["name"] == "payments-westeurope/staging"


def test_a_failed_operation_keeps_its_answer(sandbox: SandboxClient) -> None:
    sandbox.stage(*WHERE, "0-broken")
    accepted = sandbox.post_swap(*WHERE)
    for _ in range(2):
        assert sandbox.follow(accepted).status_code == 400
