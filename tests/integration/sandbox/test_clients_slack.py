"""Slack clients that nobody here wrote: Slack's own SDK and Airflow's hook, unmodified."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.models.blocks import MarkdownTextObject, SectionBlock
from slack_sdk.models.metadata import Metadata
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.sandbox.slack_workspace import RELEASES, Workspace, workspace


@pytest.fixture(name="slack")
def _slack() -> Iterator[Workspace]:
    with workspace() as running:
        yield running


@pytest.fixture(name="sdk")
def _sdk(slack: Workspace) -> WebClient:
    return WebClient(token=slack.store.token, base_url=slack.url, timeout=5)


def test_the_sdk_posts_edits_threads_and_reads(slack: Workspace, sdk: WebClient) -> None:
    """Given Slack's SDK, when a release's messages are posted and edited, then all are read back as meant."""
    block = SectionBlock(text=MarkdownTextObject(text="*payments* 1 of 3"))
    metadata = Metadata(event_type="release", event_payload={"key": "r1"})
    root = sdk.chat_postMessage(channel="#releases", text="1 of 3", blocks=[block], metadata=metadata)
    sdk.chat_update(channel=root["channel"], ts=root["ts"], text="2 of 3", blocks=[block], metadata=metadata)
    sdk.chat_postMessage(channel=RELEASES, text="detail", thread_ts=root["ts"], unfurl_links=False)
    sdk.chat_postMessage(channel=RELEASES, text="ended", thread_ts=root["ts"], reply_broadcast=True)
    sdk.reactions_add(channel=RELEASES, timestamp=root["ts"], name="rocket")

    thread = sdk.conversations_replies(channel=RELEASES, ts=root["ts"], include_all_metadata=True)["messages"]
    history = sdk.conversations_history(channel=RELEASES)["messages"]

    assert [message["text"] for message in thread] == ["2 of 3", "detail", "ended"]
    assert thread[0]["metadata"] == {"event_type": "release", "event_payload": {"key": "r1"}}
    assert thread[0]["reactions"][0]["name"] == "rocket"
    assert [message["text"] for message in history] == ["ended", "2 of 3"]
    assert slack.in_releases()[0]["edits"] == ["1 of 3"]
    assert slack.in_releases()[1]["unfurl_links"] is False


def test_the_sdk_follows_the_cursor(slack: Workspace, sdk: WebClient) -> None:
    """Given five messages, when the SDK iterates over pages of two, then it finds all five."""
    for number in range(5):
        slack.post(str(number))

    pages = list(sdk.conversations_history(channel=RELEASES, limit=2))
    channels = [channel["name"] for page in sdk.conversations_list(limit=1) for channel in page["channels"]]

    assert len(pages) == 3
    assert "releases" in channels
    assert sdk.auth_test()["user_id"] == sdk.users_info(user=sdk.auth_test()["user_id"])["user"]["id"]
    assert sdk.conversations_info(channel=RELEASES)["channel"]["is_member"] is True


def test_the_sdk_raises_slacks_errors(slack: Workspace, sdk: WebClient) -> None:
    """Given a wrong channel, a wrong token and an outage, when called, then the SDK's error names each."""
    with pytest.raises(SlackApiError) as nowhere:
        sdk.chat_postMessage(channel="#nowhere", text="x")
    with pytest.raises(SlackApiError) as stranger:
        WebClient(token="xoxb-wrong", base_url=slack.url).auth_test()
    slack.faults.add({"fault": "slack_down", "times": 1})
    with pytest.raises(SlackApiError) as down:
        sdk.auth_test()

    assert nowhere.value.response["error"] == "channel_not_found"
    assert stranger.value.response["error"] == "invalid_auth"
    assert down.value.response.status_code == 503


def test_the_sdk_sees_a_rate_limit_and_can_wait_it_out(slack: Workspace, sdk: WebClient) -> None:
    """Given a rate limit, when the SDK calls plainly,
    then it raises with Retry-After; with its handler, it waits.
    """
    slack.faults.add({"fault": "slack_rate_limited", "retry_after": 0, "times": 2})
    with pytest.raises(SlackApiError) as limited:
        sdk.chat_postMessage(channel=RELEASES, text="one")
    sdk.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))

    sdk.chat_postMessage(channel=RELEASES, text="two")

    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["Retry-After"] == "0"
    assert [held["text"] for held in slack.in_releases()] == ["two"]


def test_the_sdk_as_it_comes_posts_twice_when_a_reply_is_lost(slack: Workspace, sdk: WebClient) -> None:
    """Given a lost reply, when the SDK posts with its own retry, then it posts twice; without, once.

    Its default `ConnectionErrorRetryHandler` repeats a POST that was carried out.
    """
    slack.faults.add({"fault": "slack_reply_lost", "times": 1})
    sdk.chat_postMessage(channel=RELEASES, text="with retry")
    slack.faults.add({"fault": "slack_reply_lost", "times": 1})
    careful = WebClient(token=slack.store.token, base_url=slack.url, retry_handlers=[])
    with pytest.raises(OSError):
        careful.chat_postMessage(channel=RELEASES, text="without")

    texts = [held["text"] for held in slack.in_releases()]
    assert texts == ["with retry", "with retry", "without"]


def test_the_asynchronous_sdk_posts_and_edits(slack: Workspace) -> None:
    """Given Slack's asynchronous SDK, when it posts and edits, then both are there."""

    async def talk() -> None:
        sdk = AsyncWebClient(token=slack.store.token, base_url=slack.url, timeout=5)
        posted = await sdk.chat_postMessage(channel="releases", text="one")
        await sdk.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")

    asyncio.run(talk())

    assert [(held["text"], held["edited"]) for held in slack.in_releases()] == [("two", 1)]


def test_airflows_hook_works_through_a_connection(slack: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an Airflow connection with token and base_url, when SlackHook posts,
    then the message is there.
    """
    from airflow.providers.slack.hooks.slack import SlackHook

    connection = {"conn_type": "slack", "password": slack.store.token, "extra": {"base_url": slack.url}}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps(connection))
    hook = SlackHook(slack_conn_id="slack_default", timeout=5)

    connected, told = hook.test_connection()
    posted = hook.call("chat.postMessage", json={"channel": "#releases", "text": "one"})
    hook.client.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")

    assert connected, told
    assert hook.get_channel_id("releases") == RELEASES
    assert [(held["text"], held["edited"]) for held in slack.in_releases()] == [("two", 1)]
