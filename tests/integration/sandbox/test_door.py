"""The resource manager's door and the authority: credentials, versions, unknown names, throttling."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import requests

from tests.sandbox_client import SandboxClient, SandboxRun

WHERE = ("payments", "westeurope")
TIGHT = {
    "speed": 20,
    "services": {"catalog": None, "identity": None},
    "protocol": {"token_lifetime": 1.5, "retry_after": 7},
    "limits": {"reads_burst": 6, "reads_per_second": 2, "writes_burst": 3, "writes_per_second": 1},
}


@pytest.fixture(scope="module")
def tight_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox with small buckets and short tokens."""
    run = SandboxRun(tmp_path_factory.mktemp("tight"), TIGHT)
    yield run
    assert run.stop() == 0


@pytest.fixture
def tight(tight_run: SandboxRun) -> SandboxClient:
    """It, with full buckets and no token yet."""
    tight_run.client.reset()
    return SandboxClient(tight_run.client.endpoints)


def bare(sandbox: SandboxClient, path: str, **headers: str) -> requests.Response:
    url = f"{sandbox.endpoints['arm']}{path}?api-version=2025-05-01"
    return requests.get(url, headers=headers, verify=sandbox.ca_file, timeout=10)


def ask_token(sandbox: SandboxClient, **changes: str) -> requests.Response:
    known = sandbox.endpoints
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "scope": known["arm"] + "/.default",
        **changes,
    }
    tenant = form.pop("tenant", known["tenant"])
    url = f"{known['authority']}/{tenant}/oauth2/v2.0/token"
    return requests.post(url, data=form, verify=sandbox.ca_file, timeout=10)


def test_no_token_is_401_with_a_challenge(sandbox: SandboxClient) -> None:
    answer = bare(sandbox, sandbox.resource(*WHERE))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationFailed")
    assert sandbox.endpoints["tenant"] in answer.headers["WWW-Authenticate"]


def test_a_token_of_somebody_else_is_401(sandbox: SandboxClient) -> None:
    answer = bare(sandbox, sandbox.resource(*WHERE), Authorization="Bearer abc.def.ghi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_a_token_expires(tight: SandboxClient) -> None:
    # Given a token that lives 1.5 s
    assert tight.arm("GET", tight.resource(*WHERE)).status_code == 200
    # When it is used after that
    path = tight.resource(*WHERE)
    tight.wait_until(lambda: tight.arm("GET", path).status_code == 401, every=0.5)
    # Then it is refused by name, and a new one is good
    answer = tight.arm("GET", path)
    assert answer.json()["error"]["code"] == "ExpiredAuthenticationToken"
    assert "is earlier than current UTC time" in answer.json()["error"]["message"]
    fresh = SandboxClient(tight.endpoints)
    assert fresh.arm("GET", fresh.resource(*WHERE)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "wrong"}, 400, "unauthorized_client", 700016),
        ({"tenant": str(uuid.uuid4())}, 400, "invalid_request", 90002),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
def test_the_authority_refuses_as_entra_does(
    sandbox: SandboxClient, changes: dict, status: int, error: str, code: int
) -> None:
    answer = ask_token(sandbox, **changes)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")


def test_the_authority_describes_itself(sandbox: SandboxClient) -> None:
    known = sandbox.endpoints
    url = f"{known['authority']}/{known['tenant']}/v2.0/.well-known/openid-configuration"
    page = requests.get(url, verify=sandbox.ca_file, timeout=10).json()
    assert page["token_endpoint"] == f"{known['authority']}/{known['tenant']}/oauth2/v2.0/token"
    clouds = bare(sandbox, "/metadata/endpoints").json()
    assert clouds["authentication"]["loginEndpoint"] == known["authority"]
    assert clouds["resourceManager"] == known["arm"]


def test_subscriptions_tenants_and_groups_are_listed(sandbox: SandboxClient) -> None:
    known = sandbox.endpoints
    listed = sandbox.arm("GET", "/subscriptions").json()["value"]
    assert [held["subscriptionId"] for held in listed] == [known["subscription"]]
    assert sandbox.arm("GET", "/tenants").json()["value"][0]["tenantId"] == known["tenant"]
    groups = sandbox.arm("GET", f"/subscriptions/{known['subscription']}/resourceGroups").json()["value"]
    assert "rg-payments-westeurope" in [group["name"] for group in groups]


def test_sites_and_slots_are_listed(sandbox: SandboxClient) -> None:
    base = f"/subscriptions/{sandbox.endpoints['subscription']}"
    sites = sandbox.arm("GET", f"{base}/providers/Microsoft.Web/sites").json()["value"]
    assert len(sites) == 6
    one = f"{base}/resourceGroups/rg-payments-uksouth/providers/Microsoft.Web/sites"
    assert [site["name"] for site in sandbox.arm("GET", one).json()["value"]] == ["payments-uksouth"]
    slots = sandbox.arm("GET", sandbox.resource(*WHERE) + "/slots").json()["value"]
    assert [slot["name"] for slot in slots] == ["payments-westeurope/staging"]
    hosts = sandbox.region(*WHERE)
    assert slots[0]["properties"]["defaultHostName"] == hosts["staging"].removeprefix("https://")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("/sites/payments-westeurope", "/sites/nothing"), "ResourceNotFound"),
        (("/slots/staging", "/slots/qa"), "ResourceNotFound"),
        (("rg-payments-westeurope", "rg-payments-uksouth"), "ResourceNotFound"),
        (("/subscriptions/", "/subscriptions/0"), "SubscriptionNotFound"),
        (("/slots/staging", "/slots/staging/frobnicate"), "ResourceNotFound"),
    ],
)
def test_what_does_not_exist_is_404(sandbox: SandboxClient, change: tuple[str, str], code: str) -> None:
    path = sandbox.resource(*WHERE, "staging").replace(*change)
    answer = sandbox.arm("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


@pytest.mark.parametrize(
    ("version", "code"),
    [("", "MissingApiVersionParameter"), ("latest", "InvalidApiVersionParameter")],
)
def test_the_api_version_is_required(sandbox: SandboxClient, version: str, code: str) -> None:
    answer = sandbox.arm("GET", f"{sandbox.resource(*WHERE)}?api-version={version}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_a_body_that_is_no_json_is_400(sandbox: SandboxClient) -> None:
    path = sandbox.resource(*WHERE, "staging") + "/slotsswap"
    for body in (b"{", b"[]"):
        answer = sandbox.arm("POST", path, data=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_every_answer_carries_request_ids_and_what_is_left(sandbox: SandboxClient) -> None:
    read = sandbox.arm("GET", sandbox.resource(*WHERE), headers={"x-ms-correlation-request-id": "abc"})
    assert uuid.UUID(read.headers["x-ms-request-id"])
    assert read.headers["x-ms-correlation-request-id"] == "abc"
    assert int(read.headers["x-ms-ratelimit-remaining-subscription-reads"]) > 0
    assert int(read.headers["x-ms-ratelimit-remaining-subscription-global-reads"]) > 0
    write = sandbox.arm("POST", sandbox.resource(*WHERE) + "/config/appsettings/list")
    assert int(write.headers["x-ms-ratelimit-remaining-subscription-writes"]) > 0


def test_a_caller_that_asks_too_often_is_throttled_and_let_in_again(tight: SandboxClient) -> None:
    # Given a bucket of 6 reads
    answers = [tight.arm("GET", tight.resource(*WHERE)) for _ in range(9)]
    # Then the calls beyond it are 429 and say how long to wait
    assert [answer.status_code for answer in answers[:6]] == [200] * 6
    refused = answers[-1]
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TooManyRequests")
    assert int(refused.headers["Retry-After"]) == 1
    assert refused.headers["x-ms-ratelimit-remaining-subscription-reads"] == "0"
    # And writes have a bucket of their own
    assert tight.arm("POST", tight.resource(*WHERE) + "/config/appsettings/list").status_code == 200
    # And after the wait the door is open again
    tight.wait_until(lambda: tight.arm("GET", tight.resource(*WHERE)).status_code != 429, every=0.6)


def test_a_202_may_carry_retry_after(tight: SandboxClient) -> None:
    accepted = tight.post_swap(*WHERE)
    assert accepted.headers["Retry-After"] == "7"


def test_http_is_not_spoken_on_the_doors(sandbox: SandboxClient) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.endpoints["arm"].replace("https", "http"), timeout=5)


def test_the_certificate_is_trusted_only_with_the_sandboxes_authority(sandbox: SandboxClient) -> None:
    url = sandbox.region(*WHERE)["production"]
    assert requests.get(url.replace("127.0.0.1", "localhost"), verify=sandbox.ca_file, timeout=5).ok
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url, timeout=5)
