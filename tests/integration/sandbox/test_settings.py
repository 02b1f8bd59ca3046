"""Settings, configuration, restart and traffic rules."""

from __future__ import annotations

from tests.sandbox_client import Json, SandboxClient

WHERE = ("payments", "westeurope")


def settings(sandbox: SandboxClient, slot: str) -> dict[str, str]:
    path = sandbox.resource(*WHERE, slot) + "/config/appsettings/list"
    listed: Json = sandbox.arm("POST", path).json()
    return dict(listed["properties"])


def put(sandbox: SandboxClient, slot: str, kind: str, properties: Json) -> Json:
    answer = sandbox.arm(
        "PUT", f"{sandbox.resource(*WHERE, slot)}/config/{kind}", json={"properties": properties}
    )
    answer.raise_for_status()
    page: Json = answer.json()
    return page


def patch(sandbox: SandboxClient, slot: str, properties: Json) -> Json:
    path = sandbox.resource(*WHERE, slot) + "/config/web"
    answer = sandbox.arm("PATCH", path, json={"properties": properties})
    answer.raise_for_status()
    page: Json = answer.json()
    return page


def test_putting_app_settings_replaces_all_and_restarts(sandbox: SandboxClient) -> None:
    # Given staging with a database
    assert "DATABASE_URL" in settings(sandbox, "staging")
    # When other settings are put
    page = put(sandbox, "staging", "appsettings", {"ONLY": "1"})
    # Then nothing else is left, and the restarted app has lost what it needs
    assert page["name"] == "appsettings"
    assert settings(sandbox, "staging") == {"ONLY": "1"}
    assert not any(held["connected"] for held in sandbox.status(*WHERE, "staging")["dependencies"])
    sandbox.wait_until(lambda: sandbox.status(*WHERE, "staging")["state"] == "running")


def test_a_setting_decides_whether_a_dependency_connects(sandbox: SandboxClient) -> None:
    held = settings(sandbox, "staging")
    put(sandbox, "staging", "appsettings", {**held, "QUEUE_URL": "tcp://127.0.0.1:1"})
    dependencies = sandbox.status(*WHERE, "staging")["dependencies"]
    assert dependencies == [{"name": "database", "connected": True}, {"name": "queue", "connected": False}]


def test_which_settings_stick_is_read_and_changed_on_the_site(sandbox: SandboxClient) -> None:
    path = sandbox.resource(*WHERE) + "/config/slotConfigNames"
    page = sandbox.arm("GET", path).json()
    assert (page["id"], page["name"], page["type"]) == (None, "payments-westeurope", "Microsoft.Web/sites")
    assert "LEDGER_URL" in page["properties"]["appSettingNames"]
    assert page["properties"]["connectionStringNames"] is None
    # When a connection string is made sticky, it stays in a swap
    put(sandbox, "staging", "connectionstrings", {"Main": {"value": "s", "type": "Custom"}})
    put(sandbox, "production", "slotConfigNames", {"connectionStringNames": ["Main"], "appSettingNames": []})
    sandbox.swap(*WHERE)
    listed = sandbox.arm(
        "POST", sandbox.resource(*WHERE, "staging") + "/config/connectionstrings/list"
    ).json()
    assert listed["properties"] == {"Main": {"value": "s", "type": "Custom"}}
    # And a setting that no longer sticks has travelled
    assert settings(sandbox, "production")["ENVIRONMENT"] == "staging"


def test_config_web_is_patched_key_by_key(sandbox: SandboxClient) -> None:
    page = patch(sandbox, "staging", {"healthCheckPath": "/status", "autoSwapSlotName": "production"})
    assert page["properties"]["healthCheckPath"] == "/status"
    again = sandbox.arm("GET", sandbox.resource(*WHERE, "staging") + "/config/web").json()["properties"]
    assert (again["autoSwapSlotName"], again["experiments"]) == ("production", {"rampUpRules": []})


def test_the_content_s_configuration_travels_and_the_slot_s_stays(sandbox: SandboxClient) -> None:
    patch(sandbox, "staging", {"healthCheckPath": "/status", "autoSwapSlotName": "production"})
    sandbox.swap(*WHERE)
    pages = {
        slot: sandbox.arm("GET", sandbox.resource(*WHERE, slot) + "/config/web").json()["properties"]
        for slot in ("production", "staging")
    }
    assert (pages["production"]["healthCheckPath"], pages["staging"]["healthCheckPath"]) == ("/status", None)
    assert (pages["production"]["autoSwapSlotName"], pages["staging"]["autoSwapSlotName"]) == (
        None,
        "production",
    )


def test_traffic_rules_send_a_share_elsewhere_and_keep_a_client_there(sandbox: SandboxClient) -> None:
    # Given half of production's traffic routed to staging
    rule = {"actionHostName": "x", "reroutePercentage": 50, "name": "staging"}
    patch(sandbox, "production", {"experiments": {"rampUpRules": [rule]}})
    # When many new clients come
    answers = [sandbox.get(*WHERE) for _ in range(60)]
    # Then both builds answer, and the cookie tells which
    seen = {(answer.json()["build"], answer.cookies["x-ms-routing-name"]) for answer in answers}
    assert seen == {("2026.11.1", "self"), ("2026.11.2", "staging")}
    # And a client with the cookie, or who asks for it, stays
    for _ in range(10):
        answer = sandbox.get(*WHERE, cookies={"x-ms-routing-name": "staging"})
        assert answer.json()["build"] == "2026.11.2"
        assert sandbox.get(*WHERE, "/?x-ms-routing-name=self").json()["build"] == "2026.11.1"


def test_a_traffic_rule_for_no_slot_is_refused(sandbox: SandboxClient) -> None:
    path = sandbox.resource(*WHERE) + "/config/web"
    rules = {"experiments": {"rampUpRules": [{"name": "qa", "reroutePercentage": 5}]}}
    assert sandbox.arm("PATCH", path, json={"properties": rules}).status_code == 400


def test_putting_back_the_whole_configuration_restarts_nothing(sandbox: SandboxClient) -> None:
    """As the Azure CLI does for one key: it reads all, changes one, and sends all."""
    for service, region in (WHERE, ("catalog", "eastus")):
        path = sandbox.resource(service, region, "staging") + "/config/web"
        whole = sandbox.arm("GET", path).json()["properties"]
        sandbox.arm("PATCH", path, json={"properties": {**whole, "autoSwapSlotName": "production"}})
    assert sandbox.events("restarted") == sandbox.events("content_changed") == []


def test_traffic_rules_restart_nothing(sandbox: SandboxClient) -> None:
    patch(sandbox, "production", {"experiments": {"rampUpRules": []}, "alwaysOn": False})
    assert sandbox.events("restarted") == []


def test_a_stopped_app_starts_again(sandbox: SandboxClient) -> None:
    for verb, code in (("stop", 403), ("start", 200)):
        assert sandbox.arm("POST", f"{sandbox.resource(*WHERE)}/{verb}").status_code == 200
        sandbox.wait_until(lambda code=code: sandbox.get(*WHERE).status_code == code)


def test_slotsdiffs_names_what_differs_in_pages(sandbox: SandboxClient) -> None:
    # Given slots that differ in more than a page of settings
    held = settings(sandbox, "staging")
    put(sandbox, "staging", "appsettings", {**held, **{f"X{n:02d}": "1" for n in range(30)}})
    # When the differences are followed page by page
    path = sandbox.resource(*WHERE, "staging") + "/slotsdiffs"
    page = sandbox.arm("POST", path, json={"targetSlot": "production", "preserveVnet": True}).json()
    items = list(page["value"])
    while page["nextLink"]:
        page = sandbox.arm("GET", page["nextLink"]).json()
        items += page["value"]
    # Then each is there once, none is an error, and no value of a setting is told
    names = [item["properties"]["settingName"] for item in items]
    assert len(items) > 30
    assert len(names) == len(set(names))
    assert {item["properties"]["level"] for item in items} == {"Information"}
    rules = {item["properties"]["settingName"]: item["properties"]["diffRule"] for item in items}
    assert (rules["DATABASE_URL"], rules["X00"]) == ("DoNotSwap", "Swap")
    assert held["DATABASE_URL"] not in str(items)


def test_the_status_page_has_three_faces_of_one_truth(sandbox: SandboxClient) -> None:
    page = sandbox.status(*WHERE)
    text = sandbox.get(*WHERE, "/status.txt").text
    html = sandbox.get(*WHERE, "/status.html").text
    assert page == {
        "service": "payments",
        "region": "westeurope",
        "build": "2026.11.1",
        "state": "running",
        "dependencies": [{"name": "database", "connected": True}, {"name": "queue", "connected": True}],
    }
    assert "build: 2026.11.1" in text
    assert "dependency queue: connected" in text
    assert '<span id="build">2026.11.1</span>' in html
    assert html.count('<td class="connection">connected</td>') == 2
