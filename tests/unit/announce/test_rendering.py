"""Slack messages: within Slack's limits, and never more than text from what others wrote."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.announce import rendering
from include.airlock.model.record import Event, Outcome, Phase, RegionRecord, ReleaseRecord
from tests.unit.announce.releases import RUN, event, region, release

BLOCKS_LIMIT, TEXT_LIMIT, ALL_LIMIT, UPDATE_LIMIT = 50, 3000, 12_000, 4000


def texts(message: rendering.Message) -> list[str]:
    """Each text object's text."""
    objects = [b["text"] if b["type"] == "section" else b["elements"] for b in message.blocks]
    return [each["text"] for entry in objects for each in (entry if isinstance(entry, list) else [entry])]


def assert_within_limits(message: rendering.Message) -> None:
    assert 0 < len(message.text) <= UPDATE_LIMIT
    assert 0 < len(message.blocks) <= BLOCKS_LIMIT
    assert all(0 < len(text) <= TEXT_LIMIT for text in texts(message))
    assert sum(len(text) for text in texts(message)) < ALL_LIMIT
    json.dumps([message.text, message.blocks]).encode()


def assert_harmless(message: rendering.Message) -> None:
    """Nothing but our own link opens markup, and no word calls people."""
    for text in [message.text, *texts(message)]:
        ours = text.replace(f"<{RUN.replace('&', '&amp;')}|Open the run>", "")
        assert not set(ours) & set("<>")
        assert not re.search(r"&(?!amp;|lt;|gt;)", ours)
        assert not re.search(r"@(channel|here|everyone|group)\b", ours, re.IGNORECASE)
    assert all(b["text"]["verbatim"] for b in message.blocks if b["type"] == "section")


def test_a_headline_says_what_who_why_and_where() -> None:
    """Given a release on its way, then its message says what, who, why, each region and where to look."""
    west = region("west", Phase.ACCEPTED)
    skipped = region("east", Phase.NOT_ASKED)
    message = rendering.headline(release(west, region("north"), skipped, warnings=["ping takes any status"]))

    assert texts(message) == [
        "🚀 *payments 2026.11.2* is being released",
        "asked for by alice · change request CHG-1001 · on failure: roll back region",
        f"<{RUN.replace('&', '&amp;')}|Open the run>",
        "Why: new rates",
        "✅ *west* accepted · 2026.11.1 → 2026.11.2\n⏳ *north* waits for its turn",
        "⚠️ ping takes any status",
        "1 of 2 regions accepted",
    ]
    assert message.text.splitlines() == [
        "🚀 payments 2026.11.2 is being released",
        "asked for by alice · change request CHG-1001 · on failure: roll back region",
        "why: new rates",
        "✅ west: accepted · 2026.11.1 → 2026.11.2",
        "⏳ north: waits for its turn",
        "⚠️ ping takes any status",
    ]


HOSTILE = [
    "<!channel> all hands",
    "<!here|x>",
    "<@U123>",
    "<https://evil.example|Open the run>",
    "@channel @HERE @everyone",
    "& < > &amp; &lt;!channel&gt;",
    "line\n✅ *north* accepted",
    "</script>\x1b[2J\u202e",
    "&" * 5000,
    "*_~`" * 100,
]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_text(value: str) -> None:
    """Given a value that tries to mention, link, break lines or overflow, then it is shown as text, cut."""
    record = release(
        region(value, Phase.FAILED, failure=value, old_build=value, refresh=value),
        build=value,
        reason=value,
        requested_by=value,
        change_request=value,
        sentence=value,
        warnings=[value] * 9,
        outcome=Outcome.HALTED,
        on_failure=value,
    )
    happened = [("west", event(1, value)), (value, event(2, value, kind=value))]
    for message in (rendering.headline(record), rendering.ending(record), rendering.thread(happened)):
        assert_within_limits(message)
        assert_harmless(message)
        assert not any("\n✅" in text for text in texts(message))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://x/",
        "https://",
        "https://x/|y",
        "https://x/>y",
        "https://x/ y",
        "https://x/\ny",
        "https://[x/",
        "https://x@y/",
        "https://x/" + "a" * 700,
    ],
)
def test_an_address_that_is_none_is_no_link(url: str | None) -> None:
    """Given a run without a usable address, then the message has no link and is whole."""
    message = rendering.headline(release(region("west"), url=url))

    assert_within_limits(message)
    assert not any("Open the run" in text for text in texts(message))


_any_text = st.text(max_size=700) | st.sampled_from(HOSTILE)
_maybe = st.none() | _any_text
_events = st.builds(Event, n=st.integers(1, 9), at=_any_text, text=_any_text, kind=_any_text)
_regions = st.builds(
    RegionRecord,
    name=_any_text,
    phase=st.sampled_from(Phase),
    old_build=_maybe,
    new_build=_maybe,
    started_at=_maybe,
    ended_at=_maybe,
    failure=_maybe,
    refresh=_maybe,
    events=st.lists(_events, max_size=2),
)
_releases = st.builds(
    ReleaseRecord,
    release=_any_text,
    dag=_any_text,
    service=_any_text,
    build=_any_text,
    change_request=_maybe,
    reason=_maybe,
    requested_by=_maybe,
    on_failure=_any_text,
    started_at=_any_text,
    ended_at=_maybe,
    url=st.just(RUN),
    waited_s=st.none() | st.floats(0, 1e6),
    outcome=st.sampled_from(Outcome),
    sentence=_maybe,
    warnings=st.lists(_any_text, max_size=7),
    events=st.lists(_events, max_size=3),
    regions=st.lists(_regions, max_size=5),
)


@given(_releases)
@settings(deadline=None, max_examples=80)
def test_any_release_renders_within_limits_and_harmless(record: ReleaseRecord) -> None:
    """Given any record, then every message is one that Slack takes and nobody is called by it."""
    events = [("", each) for each in record.events] + [
        (r.name, each) for r in record.regions for each in r.events
    ]
    messages = [rendering.headline(record), rendering.ending(record)]
    messages += [rendering.thread(events)] if events else []
    for message in messages:
        assert_within_limits(message)
        assert_harmless(message)


def test_blank_values_leave_no_empty_block() -> None:
    """Given a reason and a sentence of blanks, then Slack gets no empty text, which it would refuse."""
    assert_within_limits(rendering.headline(release(reason=" \n", sentence="\u200b")))


def test_the_largest_release_fits() -> None:
    """Given 32 regions with long names, builds and faults, then all are named within Slack's limits."""
    long = "<&>" * 300
    fields: dict[str, Any] = {"old_build": "b" * 64, "new_build": "c" * 64, "failure": long, "refresh": long}
    regions = [region(f"region_{number:02d}{'x' * 30}", Phase.FAILED, **fields) for number in range(32)]
    record = release(
        *regions,
        reason=long,
        sentence=long,
        requested_by=long,
        warnings=[long] * 20,
        url=f"https://x/{'&' * 120}",
    )
    message = rendering.headline(record)

    assert_within_limits(message)
    shown = "\n".join(texts(message))
    assert all(each.name in shown for each in regions)
    assert "and 15 more; see the run" in shown


def test_a_full_reply_fits() -> None:
    """Given a full batch of events with the longest texts, then the reply is one that Slack takes."""
    events = [("x" * 60, event(n, "<&>" * 2000)) for n in range(1, rendering.EVENTS_A_REPLY + 1)]
    message = rendering.thread(events)

    assert_within_limits(message)
    assert len(message.blocks) == rendering.EVENTS_A_REPLY


@given(st.text(max_size=300), st.integers(1, 120))
def test_escaping_is_undone_by_reading(text: str, limit: int) -> None:
    """Given any text, when escaped and read as Slack does, then it is the text or a beginning of it."""
    shown = rendering.escaped(text, limit)
    read = html.unescape(shown) if "&" in shown else shown

    assert len(shown) <= limit
    calm = read.replace("\u2060", "")
    assert calm == text.replace("\u2060", "") or (
        calm.endswith("…") and text.replace("\u2060", "").startswith(calm[:-1])
    )


def test_the_digest_changes_with_the_content_and_with_nothing_else() -> None:
    """Given two states of a release, then their digests differ; the same state has the same digest."""
    one = rendering.headline(release(region("west"))).digest
    other = rendering.headline(release(region("west", Phase.CHECKED))).digest

    assert one == rendering.headline(release(region("west"))).digest
    assert one != other


def test_the_end_leads_to_the_run_and_to_the_record() -> None:
    """Given a release with a record file, then its last message links to it; else to the run alone."""
    record = "https://airflow.example/airlock/releases/payments/CHG-1001/record"
    (ended,) = texts(rendering.ending(release(outcome=Outcome.RELEASED, file=record)))
    assert ended.endswith(f"|Open the run> <{record}|Record>")
    (ended,) = texts(rendering.ending(release(outcome=Outcome.RELEASED, file="javascript:x")))
    assert ended.endswith("|Open the run>")
