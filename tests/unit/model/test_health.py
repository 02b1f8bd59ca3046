"""From a page to a verdict: what is absent or garbled is never Healthy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.model.health import (
    Healthy,
    Inconclusive,
    Page,
    Reading,
    Trouble,
    Unhealthy,
    assess,
    in_words,
    judge,
    read,
)
from include.airlock.model.status_page import JsonPage, PatternPage, StatusPage
from tests.unit.model.specs import html_page, json_page

BUILD = "2026.11.2"
JSON = JsonPage(**json_page())
HTML = PatternPage(**html_page())
GOOD: dict[str, Any] = {
    "build": BUILD,
    "state": "running",
    "dependencies": [{"name": "database", "connected": True}, {"name": "queue", "connected": True}],
}


def page(content: object, **more: Any) -> Page:
    return Page(
        **{"status": 200, "body": json.dumps(content).encode(), "content_type": "application/json", **more}
    )


def html(build: str = BUILD, state: str = "running", rows: str = "<li>database: connected</li>") -> Page:
    body = f'<p><b id="build">{build}</b><b id="state">{state}</b><ul>{rows}</ul>'
    return Page(status=200, body=body.encode(), content_type="text/html; charset=utf-8")


def test_a_good_page_is_healthy() -> None:
    assert assess(page(GOOD), JSON, BUILD) == Healthy(BUILD)
    assert assess(html(), HTML, BUILD) == Healthy(BUILD)
    assert in_words(Healthy(BUILD)) == "healthy, build 2026.11.2"


def test_any_build_will_do_where_none_is_expected() -> None:
    assert assess(page(GOOD), JSON, None) == Healthy(BUILD)


@pytest.mark.parametrize("state", ["running", "Running", " HEALTHY ", "ok", "UP", "pass", True])
def test_healthy_words(state: object) -> None:
    assert assess(page({**GOOD, "state": state}), JSON, BUILD) == Healthy(BUILD)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"build": "2026.11.1"}, "build 2026.11.1 answers, not 2026.11.2"),
        ({"build": "2026.11.21"}, "build 2026.11.21 answers, not 2026.11.2"),
        ({"build": 20261102}, "build 20261102 answers, not 2026.11.2"),
        ({"state": "degraded"}, "its health is 'degraded'"),
        ({"state": False}, "its health is False"),
        ({"state": 1}, "its health is 1"),
        ({"state": "true"}, "its health is 'true'"),
        ({"dependencies": [{"name": "queue", "connected": False}]}, "not connected: 'queue'"),
        ({"dependencies": [{"name": "queue", "connected": "no"}]}, "not connected: 'queue'"),
        ({"dependencies": [{"name": "queue", "connected": 1}]}, "not connected: 'queue'"),
        (
            {"dependencies": [{"name": "a", "connected": True}, {"name": "a", "connected": False}]},
            "not connected: 'a'",
        ),
    ],
)
def test_what_is_clearly_wrong_is_unhealthy(changes: dict[str, Any], reason: str) -> None:
    verdict = assess(page({**GOOD, **changes}), JSON, BUILD)
    assert isinstance(verdict, Unhealthy)
    assert verdict.reasons == (reason,)
    assert verdict.wrong_build == ("build" in changes)


def test_all_reasons_are_given() -> None:
    content = {
        "build": "1",
        "state": "down",
        "dependencies": [{"name": "a", "connected": False}, {"name": ""}],
    }
    verdict = assess(page(content), JSON, BUILD)
    assert in_words(verdict) == (
        "unhealthy: build 1 answers, not 2026.11.2; its health is 'down'; not connected: 'a'; "
        "a dependency has no name but ''"
    )


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def test_what_keeps_a_page_from_being_read() -> None:
    """Given anything but one complete, readable 200, then it is Inconclusive, with the reason."""
    body = json.dumps(GOOD).encode()
    for answer, reason in [
        (Page(None, trouble=Trouble.TIMEOUT, detail="10 s"), "no complete answer in time (10 s)"),
        (Page(200, body, trouble=Trouble.CUT), "the answer was cut off"),
        (Page(None, body), "could not connect"),
        (Page(503, body), "the status page answered 503, not 200"),
        (Page(204), "the status page answered 204, not 200"),
        (
            Page(302, location="https://evil.example/"),
            "the status page answered 302 to 'https://evil.example/', not 200",
        ),
        (Page(200, body, truncated=True), f"the status page is larger than {len(body)} bytes"),
        (Page(200), "the status page is empty"),
        (Page(200, b" \r\n"), "the status page is empty"),
    ]:
        assert assess(answer, JSON, BUILD) == Inconclusive((reason,))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "it is not JSON (Expecting value: line 1 column 1 (char 0))"),
        (b'{"build": NaN}', "it is not JSON (NaN is not JSON)"),
        (b'{"build": 1, "build": 2}', "it is not JSON (a key stands there twice)"),
        (b'{"build": "\xff"}', "its bytes are not utf-8"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"1" * 5000, "it is not JSON (Exceeds the limit (4300 digits) for integer string conversion)"),
    ],
)
def test_a_page_that_is_not_json(body: bytes, reason: str) -> None:
    verdict = assess(Page(200, body), JSON, BUILD)
    assert isinstance(verdict, Inconclusive)
    assert verdict.reasons[0].startswith(f"the status page can't be read: {reason[:40]}")


@pytest.mark.parametrize(
    ("charset", "reason"),
    [
        ("utf-7", "the status page can't be read: its charset 'utf-7' is not read here"),
        ("zlib", "the status page can't be read: its charset 'zlib' is not read here"),
        ("us-ascii", "the status page can't be read: its bytes are not us-ascii"),
    ],
)
def test_a_charset_that_is_not_read(charset: str, reason: str) -> None:
    answer = Page(200, "é".encode(), content_type=f'text/html; charset="{charset}"')
    assert assess(answer, HTML, BUILD) == Inconclusive((reason,))


def test_other_charsets_and_a_byte_order_mark_are_read() -> None:
    text = html().body.decode()
    for charset, body in [
        ("iso-8859-1", text.encode("latin-1")),
        ("UTF-16", text.encode("utf-16")),
        ("utf-8", b"\xef\xbb\xbf" + text.encode()),
    ]:
        assert assess(Page(200, body, content_type=f"text/html; charset={charset}"), HTML, BUILD) == Healthy(
            BUILD
        )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (without("build"), "no build on the status page"),
        ({**GOOD, "build": ""}, "no build on the status page"),
        ({**GOOD, "build": None}, "no build on the status page"),
        ({**GOOD, "build": 2026.1}, "the build 2026.1 is not text"),
        ({**GOOD, "build": True}, "the build True is not text"),
        ({**GOOD, "build": [BUILD]}, "the build \"['2026.11.2']\" is not text"),
        ({**GOOD, "build": BUILD + "\n"}, r"the build '2026.11.2\n' is no build number"),
        ({**GOOD, "build": "1" * 129}, f"the build '{'1' * 58}… is no build number"),
        (without("state"), "no health on the status page"),
        ({**GOOD, "state": {"ok": True}}, "the health \"{'ok': True}\" is not a word"),
        ({**GOOD, "state": "Starting"}, "it is not ready yet: its health is 'Starting'"),
        (without("dependencies"), "no list of dependencies on the status page"),
        ({**GOOD, "dependencies": []}, "the list of dependencies is empty"),
        ({**GOOD, "dependencies": {}}, "the list of dependencies is empty"),
        ({**GOOD, "dependencies": "all fine"}, "no list of dependencies on the status page"),
        ({**GOOD, "dependencies": 0}, "no list of dependencies on the status page"),
        ({**GOOD, "dependencies": ["database"]}, "a dependency has no name but None"),
        ({**GOOD, "dependencies": [{"connected": True}]}, "a dependency has no name but None"),
        ({**GOOD, "dependencies": [{"name": "a"}]}, "the dependency 'a' has no clear state but None"),
        (
            {**GOOD, "dependencies": [{"name": "a", "connected": []}]},
            "the dependency 'a' has no clear state but '[]'",
        ),
        (
            {**GOOD, "dependencies": [{"name": "a", "connected": True}] * 201},
            "there are more than 200 dependencies",
        ),
    ],
)
def test_what_is_absent_or_garbled_is_inconclusive(content: object, reason: str) -> None:
    verdict = assess(page(content), JSON, BUILD)
    assert isinstance(verdict, Inconclusive)
    assert verdict.reasons == (reason,)


def test_a_required_dependency_must_be_listed() -> None:
    where = JsonPage(**json_page(required_dependencies=["Database", "ledger"]))
    assert assess(page(GOOD), where, BUILD) == Inconclusive(("the dependency 'ledger' is not listed",), BUILD)


def test_required_dependencies_hold_where_none_are_looked_for() -> None:
    """Given a spec that requires one but does not look for any, then it is refused, not silently green."""
    with pytest.raises(ValueError, match="needs 'dependencies' that say where they are listed"):
        JsonPage(**json_page(dependencies=None, required_dependencies=["database"]))


def test_a_service_without_dependencies_says_so() -> None:
    where = JsonPage(**json_page(dependencies=None))
    assert assess(page(without("dependencies")), where, BUILD) == Healthy(BUILD)


@pytest.mark.parametrize(
    ("shape", "content", "verdict"),
    [
        ({"dependencies": "checks"}, {"checks": {"db": True, "queue": "ok"}}, Healthy),
        ({"dependencies": "checks"}, {"checks": {"db": True, "queue": "lost"}}, Unhealthy),
        ({"dependencies": "checks"}, {"checks": {"db": None}}, Inconclusive),
        (
            {"dependencies": "checks", "dependency_state": "status"},
            {"checks": {"db": {"status": "UP"}}},
            Healthy,
        ),
        (
            {"dependencies": "checks", "dependency_state": "status"},
            {"checks": {"db": {"status": "DOWN"}}},
            Unhealthy,
        ),
        ({"dependencies": "checks", "dependency_state": "status"}, {"checks": {"db": {}}}, Inconclusive),
        (
            {"dependencies": "a.b", "dependency_name": "id", "dependency_state": "is.up"},
            {"a": {"b": [{"id": "db", "is": {"up": True}}]}},
            Healthy,
        ),
    ],
)
def test_shapes_that_frameworks_use(shape: dict[str, Any], content: dict[str, Any], verdict: type) -> None:
    where = JsonPage(**json_page(**shape))
    assert isinstance(assess(page({**without("dependencies"), **content}), where, BUILD), verdict)


def test_an_expression_that_does_not_suit_the_page_is_inconclusive() -> None:
    where = JsonPage(**json_page(health="join('', state)"))
    verdict = assess(page({**GOOD, "state": 5}), where, BUILD)
    assert isinstance(verdict, Inconclusive)
    assert verdict.reasons[0].startswith("health is not readable: In function join()")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (html(build="1"), Unhealthy),
        (html(state="down"), Unhealthy),
        (html(rows="<li>database: lost</li>"), Unhealthy),
        (html(rows="<li>a: connected</li><li>b: </li>"), Inconclusive),
        (html(rows=""), Inconclusive),
        (html(build=""), Inconclusive),
        (html(state=""), Inconclusive),
        (html(state='running</b><b id="state">down'), Inconclusive),
        (Page(200, b"<html></html>"), Inconclusive),
        (page(GOOD), Inconclusive),
        (html(rows="<li>d: connected</li>" * 201), Inconclusive),
    ],
)
def test_patterns(answer: Page, verdict: type) -> None:
    assert isinstance(assess(answer, HTML, BUILD), verdict)


def test_a_page_that_gives_two_answers_gives_none() -> None:
    verdict = assess(html(build=f'{BUILD}</b><b id="build">2026.11.1'), HTML, BUILD)
    assert isinstance(verdict, Inconclusive)
    assert verdict.reasons[0] == "build is found more than once, with different values"


def test_html_is_unescaped_and_text_is_not() -> None:
    answer = html(build="1&amp;2")
    assert read(answer, HTML).build == "1&2"
    assert read(answer, PatternPage(**html_page(format="text"))).build == "1&amp;2"


def test_a_pattern_takes_no_longer_for_a_page_made_to_hurt() -> None:
    """Given a pattern that makes a backtracking engine take for ever, then it is answered at once."""
    where = PatternPage(**html_page(build=r"(?P<build>(a+)+)!"))
    assert isinstance(assess(Page(200, b"a" * 200_000), where, BUILD), Inconclusive)


def test_an_unknown_kind_of_page_is_a_mistake_in_the_program() -> None:
    with pytest.raises(TypeError, match="no way to read a StatusPage"):
        read(page(GOOD), StatusPage(**json_page()))


def test_a_reading_that_says_nothing_is_not_healthy() -> None:
    assert isinstance(judge(Reading(), None), Inconclusive)


_ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([BUILD, "running"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["build", "state", "dependencies", "name", "connected", "x"]), inner, max_size=5
        )
    ),
    max_leaves=15,
)
_CONTENT_TYPES = st.sampled_from(
    ["", "application/json", "text/html; charset=utf-16", "text/html; charset=x", ";;="]
)
_WHERE = st.sampled_from(
    [JSON, HTML, JsonPage(**json_page(dependencies=None)), PatternPage(**html_page(format="text"))]
)


@settings(max_examples=300, deadline=None)
@given(_ANY_JSON, _WHERE)
def test_only_a_page_that_says_everything_is_healthy(content: Any, where: StatusPage) -> None:
    """Given any JSON, then Healthy means: build, health and each dependency stand there as they should."""
    verdict = assess(page(content), where, BUILD)
    if isinstance(verdict, Healthy):
        assert content["build"] == BUILD
        assert content["state"] in ("running", True)
        if where.dependencies:
            assert all(each["connected"] is True and each["name"] for each in content["dependencies"])
            assert content["dependencies"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), _CONTENT_TYPES, _WHERE, st.sampled_from([None, 0, 200, 301, 503]))
def test_noise_is_never_healthy(
    body: bytes, content_type: str, where: StatusPage, status: int | None
) -> None:
    assert not isinstance(assess(Page(status, body, content_type), where, BUILD), Healthy)


@given(st.sampled_from(["build", "state", "dependencies", "name", "connected"]))
def test_a_good_page_with_one_thing_gone_is_never_healthy(gone: str) -> None:
    text = json.dumps(GOOD).replace(f'"{gone}"', '"other"', 1)
    assert isinstance(assess(Page(200, text.encode()), JSON, BUILD), Inconclusive)


@given(st.integers(0, 200))
def test_a_good_page_cut_off_anywhere_is_never_healthy(length: int) -> None:
    for where, body in ((JSON, json.dumps(GOOD).encode()), (HTML, html().body)):
        cut = body[: min(length, len(body) - len("</li></ul>") - 1)]
        assert not isinstance(assess(Page(200, cut), where, BUILD), Healthy)
