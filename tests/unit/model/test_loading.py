"""Reading a spec's file: what is wrong is said with file, line and the nearest valid word, all at once."""

# ruff: noqa: E501 (the tables are read by their rows)

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.airlock.errors import SpecError
from include.airlock.model.loading import load_service, parse_service
from include.airlock.model.service import Service
from tests.unit.model.specs import BLUE_GREEN, EXAMPLES, ROLLING, SERVICES, SMALLEST, changed, example


def faults(text: str, name: str = "payments.yaml") -> list[str]:
    with pytest.raises(SpecError) as refusal:
        parse_service(text, name=name)
    return str(refusal.value).splitlines()


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_is_good(name: str) -> None:
    assert load_service(SERVICES / f"{name}.yaml").service == name


REGION = """\
  - name: westeurope
    connection: azure_westeurope
    resource_group: rg-payments
    app: payments-westeurope
"""
SECOND = REGION.replace("westeurope", "uksouth")

ONE_FAULT = [
    # keys and words
    ("strategy: slot_swap", "strategy: slot_swp", "3: strategy: 'slot_swp' is not a strategy; did you mean 'slot_swap'?"),
    ("strategy: slot_swap", "strategy: 5", "3: strategy: 5 is not a strategy; valid: 'slot_swap', 'rolling' or 'blue_green'"),
    ("strategy: slot_swap\n", "", "1: strategy: is missing; valid: 'slot_swap', 'rolling' or 'blue_green'"),
    ("owner: team-payments", "owner: x\nbaek: 5m", "3: unknown key 'baek'; did you mean 'bake'?"),
    ("owner: team-payments\n", "", "1: owner: is missing"),
    ("owner: team-payments", "owner:", "2: owner: has no value; text is needed ('#' starts a comment unless it is in quotes)"),
    ("owner: team-payments", "owner: 5", "2: owner: 5 is not text; put it in quotes"),
    ("owner: team-payments", "owner: [a]", "2: owner: \"['a']\" is not text"),
    ("owner: team-payments", "owner: a\nowner: b", "3: owner: stands here twice, first in line 2"),
    ("service: payments", "service: paymnts", "1: service: 'paymnts' must be the file's own name, 'payments'"),
    ("service: payments", "on_failure: rollback_region\nservice: payments", "1: on_failure: 'rollback_region' is not valid; did you mean 'roll_back_region'?"),
    ("service: payments", "on_failure: roll_back_machine\nservice: payments", "1: on_failure: 'roll_back_machine' is for the strategy 'rolling' alone; valid: 'halt', 'roll_back_region', 'roll_back_release' or 'ask'"),
    # keys of another strategy
    ("owner: team-payments", "owner: x\nmax_unavailable: 2", "3: 'max_unavailable' is only for the strategy 'rolling'"),
    ("owner: team-payments", "owner: x\nsoak: 2", "3: 'soak' is only for the strategy 'rolling' or 'blue_green'"),
    (REGION, REGION + "    aws_region: eu-west-1\n", "9: regions[0]: 'aws_region' is only for the strategy 'rolling' or 'blue_green'"),
    ("owner: team-payments", "owner: x\nannounce: {refresh: null}", "3: announce: unknown key 'refresh'; valid: 'slack' or 'webhooks'"),
    ("service: payments", "bake: 5\nservice: payments", "1: bake: 5 has no unit; write '5s' or '5m'"),
    ("service: payments", "bake: 25h\nservice: payments", "1: bake: '25h' must be at least 0s and at most 24h"),
    # regions
    (REGION, REGION + REGION.replace("payments-w", "other-w"), "9: regions[1].name: there are two regions named 'westeurope'"),
    (REGION, REGION + REGION.replace("name: w", "name: v"), "12: regions[1].app: is the same app as in region 'westeurope'; it would be swapped twice"),
    (REGION, "  []\n", "4: regions: is empty"),
    (REGION, REGION + "    slot: Production\n", "9: regions[0].slot: 'production' is the slot that is swapped into; name the slot that holds the next build"),
    (REGION, REGION + "    slto: staging\n", "9: regions[0]: unknown key 'slto'; did you mean 'slot'?"),
    (REGION, REGION + "    public_host: https://a.example\n", "9: regions[0].public_host: 'https://a.example' is not valid: a bare host name, with ':port' where needed; no scheme, path or user name"),
    ("name: westeurope", "name: refresh", "5: regions[0].name: 'refresh' is the name of a step of the release; call the region something else"),
    ("name: westeurope", "name: West Europe", "5: regions[0].name: 'West Europe' is not valid: a lower-case letter, then lower-case letters, digits, '_' and '-', 40 characters at most"),
    ("    app: payments-westeurope\n", "", "5: regions[0].app: is missing"),
    ("resource_group: rg-payments", "resource_group: rg.", "7: regions[0].resource_group: 'rg.' is not valid: a resource group has letters, digits, '_', '-', '.' and brackets, and does not end with '.'"),
    # status page
    ("path: /status", "path: https://evil.example/", "10: status_page.path: 'https://evil.example/' points elsewhere; give only the path, the host is the region's own"),
    ("format: json", "format: jsn", "11: status_page.format: 'jsn' is not valid; did you mean 'json'?"),
    ("  format: json\n", "", "9: status_page.format: is missing"),
    ("  build: build\n", "", "9: status_page.build: is missing"),
    ("  dependencies: dependencies\n", "", "9: status_page.dependencies: is missing; write null for a service that has none"),
    ("health: state", "health: state\n  helth: state", "14: status_page: unknown key 'helth'; did you mean 'health'?"),
    ("health: state", "health: 'a['", "13: status_page.health: 'a[' is not a JMESPath expression: Invalid jmespath expression: Incomplete expression:"),
    ("health: state", "health: \"state != 'down'\"", "13: status_page.health: gives a good answer on an empty page; it must look at the page"),
    ("build: build", "build: \"'2026.11.2'\"", "12: status_page.build: gives a build on an empty page; it must look at the page"),
    (
        "dependencies: dependencies",
        "dependencies: \"[{name: 'db', connected: db != 'down'}]\"",
        "14: status_page.dependencies: gives connected ones on an empty page; it must look at the page",
    ),
    ("health: state", "health: state\n  consecutive: 0", "14: status_page.consecutive: 0 must be at least 1"),
    ("health: state", "health: state\n  consecutive: 2.5", "14: status_page.consecutive: 2.5 is not a whole number"),
    ("health: state", "health: state\n  healthy_values: []", "14: status_page.healthy_values: is empty"),
    ("health: state", "health: state\n  healthy_values: [1.5]", "14: status_page.healthy_values[0]: 1.5 is not text, a whole number, true or false"),
    ("health: state", "health: state\n  starting_values: [ OK ]", "14: status_page.starting_values[0]: stands in healthy_values as well"),
    ("health: state", "health: state\n  deadline: 4s", "14: status_page.deadline: 4s is too short for 3 answers 2s apart"),
    # announce and refresh
    ("service: payments", "announce: {slack: {connection: s, channel: releases}}\nservice: payments", "1: announce.slack.channel: 'releases' is not valid: a channel is its name in quotes, like '#releases', or its id, like C0123456789"),
    ("service: payments", "announce: {slak: null}\nservice: payments", "1: announce: unknown key 'slak'; did you mean 'slack'?"),
    ("service: payments", "refresh: {}\nservice: payments", "1: refresh: needs exactly one of 'package' and 'container'"),
    ("service: payments", "refresh: {package: {}}\nservice: payments", "1: refresh.package: needs exactly one of 'url' and 'path'"),
    ("service: payments", "build_pattern: '(?=x)'\nservice: payments", "1: build_pattern: '(?=x)' is not a pattern: invalid perl operator: (?="),
    ("service: payments", "build_pattern: '(?P<a>x)'\nservice: payments", "1: build_pattern: '(?P<a>x)' may group only with '(…)' or '(?:…)'; forms can't read the rest"),
    # YAML
    ("owner: team-payments", "owner: &a x", "2: anchors and aliases (& and *) are not read in a spec; write it out"),
    ("owner: team-payments", "owner: *a", "2: anchors and aliases (& and *) are not read in a spec; write it out"),
    ("owner: team-payments", "<<: {owner: x}", "2: merge keys (<<) are not read in a spec; write it out"),
    ("owner: team-payments", "owner: !!python/name:os.system x", "2: tags (!) are not read in a spec"),
    ("owner: team-payments", "? [a]\n: b", "2: a key must be a word"),
    ("owner: team-payments", "owner: 'x", "15: not YAML: while scanning a quoted scalar found unexpected end of stream"),
    ("owner: team-payments", "owner: a: b", "2: not YAML: mapping values are not allowed in this context"),
    ("owner: team-payments", "---", "2: a second document starts; a spec is one document"),
    ("owner: team-payments", "owner: " + "[" * 25, "2: nested more than 20 levels deep"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "fault"), ONE_FAULT, ids=[fault for _, _, fault in ONE_FAULT])
def test_one_fault_is_said_with_its_line(old: str, new: str, fault: str) -> None:
    assert faults(changed(old, new)) == [f"payments.yaml:{fault}"]


def test_a_service_leaves_the_names_of_trains_dags_alone() -> None:
    """Given a service ``train_a``, then its rollback's DAG would have the id of that of the train ``a``."""
    with pytest.raises(SpecError, match="rollback_train_a is the DAG of a train's rollback"):
        parse_service(changed("service: payments", "service: train_a"), name="train_a.yaml")


@pytest.mark.parametrize("text", [ROLLING, BLUE_GREEN])
def test_without_a_strategy_the_rest_is_checked_as_the_likeliest(text: str) -> None:
    """Given a spec of machines without its strategy, then its own keys are no faults."""
    strategy = next(line for line in text.splitlines(keepends=True) if line.startswith("strategy"))
    assert faults(changed(strategy, "", text)) == [
        "payments.yaml:1: strategy: is missing; valid: 'slot_swap', 'rolling' or 'blue_green'"
    ]
    assert faults(changed(strategy, strategy[:-2] + "\n", text)) == [
        f"payments.yaml:3: strategy: '{strategy[10:-2]}' is not a strategy; did you mean '{strategy[10:-1]}'?"
    ]


@pytest.mark.parametrize("text", [ROLLING, BLUE_GREEN])
def test_a_key_of_slots_is_refused_on_machines(text: str) -> None:
    assert faults("refresh: {package: {url: 'https://h.example/{build}'}}\nswap_timeout: 5m\n" + text) == [
        "payments.yaml:1: 'refresh' is only for the strategy 'slot_swap'",
        "payments.yaml:2: 'swap_timeout' is only for the strategy 'slot_swap'",
    ]


def test_patterns_need_their_groups() -> None:
    assert faults(changed("format: json", "format: text")) == [
        "payments.yaml:12: status_page.build: 'build' lacks the named group (?P<build>…)",
        "payments.yaml:13: status_page.health: 'state' lacks the named group (?P<health>…)",
        "payments.yaml:14: status_page.dependencies: 'dependencies' lacks the named group "
        "(?P<name>…) and (?P<state>…)",
    ]


def test_a_fault_is_one_line_whatever_is_in_the_file() -> None:
    """Given a character that no terminal shows, then it is escaped in the fault, wherever it comes from."""
    said = faults(SMALLEST + "build_pattern: 'a\ud7fc)'\n")
    assert said == [r"payments.yaml:15: build_pattern: 'a\ud7fc)' is not a pattern: unexpected ): a\ud7fc)"]


def test_all_faults_are_said_at_once_in_the_order_of_their_lines() -> None:
    """Given a spec with faults all over, then one error names each of them."""
    text = """\
service: payments
onwer: team
strategy: slot_swp
bake: 5
regions:
  - {name: westeurope, connection: c, resource_group: g, app: payments-we, slot: production}
  - {}
status_page: {path: ../x, format: json, build: b, health: h, dependencies: d}
refresh: {container: {image: catalog}, package: {url: 'https://u:hunter2@h.example/{build}'}}
"""
    assert faults(text) == [
        "payments.yaml:1: owner: is missing",
        "payments.yaml:2: unknown key 'onwer'; did you mean 'owner'?",
        "payments.yaml:3: strategy: 'slot_swp' is not a strategy; did you mean 'slot_swap'?",
        "payments.yaml:4: bake: 5 has no unit; write '5s' or '5m'",
        "payments.yaml:6: regions[0].slot: 'production' is the slot that is swapped into; "
        "name the slot that holds the next build",
        "payments.yaml:7: regions[1].name: is missing",
        "payments.yaml:7: regions[1].connection: is missing",
        "payments.yaml:7: regions[1].resource_group: is missing",
        "payments.yaml:7: regions[1].app: is missing",
        "payments.yaml:8: status_page.path: '../x' must start with '/'",
        "payments.yaml:9: refresh.package.url: has credentials or an '@' in it; "
        "secrets belong in an Airflow connection",
        "payments.yaml:9: refresh.container.image: 'catalog' is not valid: "
        "an image is like registry.example.com/catalog:{build}",
    ]


def test_a_secret_in_an_address_is_not_repeated() -> None:
    text = changed("owner: x", "owner: x", SMALLEST.replace("team-payments", "x"))
    for url in ("https://u:hunter2@h/{build}", "https://h/{build}?sig=hunter2", "ftp://hunter2/{build}"):
        said = faults(text + f"refresh: {{package: {{url: '{url}'}}}}\n")
        assert "hunter2" not in "".join(said)


def test_many_faults_are_cut_short() -> None:
    said = faults(SMALLEST + "".join(f"key{index}: 1\n" for index in range(60)))
    assert len(said) == 51
    assert said[-1] == "payments.yaml: and 10 more faults"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "payments.yaml:1: the file is empty; a spec starts with 'service: payments'"),
        (b"# only a comment\n", "payments.yaml:1: the file is empty; a spec starts with 'service: payments'"),
        (b"\n- a\n", "payments.yaml:2: a spec is a mapping of keys, like 'service: payments'"),
        (b"service: \xff\n", "payments.yaml:1: is not UTF-8 text"),
        (
            b"service: a\nowner: \x00\n",
            "payments.yaml:2: not YAML: unacceptable character #x0000: control characters are not allowed",
        ),
        (b"a: 1\n" * 20000, "payments.yaml:1: is larger than 64 KiB; a spec is a page or two"),
    ],
)
def test_a_file_that_is_no_spec(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "payments.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as refusal:
        load_service(path)
    assert str(refusal.value) == fault


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^payments\.yaml: can't be read: No such file or directory$"):
        load_service(tmp_path / "payments.yaml")


def test_words_are_not_booleans_and_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Given YAML 1.1's traps, then ``no`` and ``on`` stay words, as YAML 1.2 has it."""
    path = tmp_path / "payments.yaml"
    text = changed("name: westeurope", "name: no").replace("owner: team-payments", "owner: on")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    service = load_service(path)
    assert (service.regions[0].name, service.owner) == ("no", "on")


def test_a_billion_laughs_are_refused_at_once() -> None:
    text = "a: &a [x, x, x, x]\n" + "".join(
        f"{after}: &{after} [*{before}, *{before}, *{before}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert faults(text) == [
        "payments.yaml:1: anchors and aliases (& and *) are not read in a spec; write it out"
    ]


# Hypothesis builds YAML from pieces that are nearly right: pure noise would never get past the syntax.
_SCALARS = st.sampled_from(
    ["payments", "slot_swap", "/status", "json", "5m", "5", "true", "~", "{build}", "'a'", "[a", "&a b", "*a", "\x00", "é", "0x10", "1e5", ".inf"]
)  # fmt: skip
_KEYS = st.sampled_from(
    ["service", "owner", "strategy", "regions", "status_page", "bake", "refresh", "announce", "name", "path", "format", "build", "x", "<<", "deploy", "farms", "parameters", "steps", "target_groups"]
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"),
        st.dictionaries(_KEYS, inner, max_size=4).map(
            lambda each: "{" + ", ".join(f"{key}: {value}" for key, value in each.items()) + "}"
        ),
    ),
    max_leaves=12,
)
_SPECS = st.one_of(
    st.lists(st.tuples(_KEYS, _VALUES), max_size=8).map(
        lambda pairs: "\n".join(f"{key}: {value}" for key, value in pairs)
    ),
    st.tuples(
        st.sampled_from([example(name) for name in EXAMPLES]), st.integers(0, 1500), st.text(max_size=6)
    ).map(lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + len(cut[2]) :]),
    st.text(max_size=80),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_SPECS)
def test_any_text_gives_a_service_or_faults_with_lines(text: str) -> None:
    try:
        assert isinstance(parse_service(text, name="payments.yaml"), Service)
    except SpecError as error:
        for line in str(error).split("\n"):
            assert line.startswith("payments.yaml:")
            assert len(line) < 700
            assert line.isprintable()
