"""The JMeter plan is well-formed, of classes that JMeter knows, and says nowhere which host it calls."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.load.samples import LONG

ROOT = Path(__file__).resolve().parents[3]
PLAN = ROOT / "tests" / "load" / "checkout.jmx"
TEXT = PLAN.read_text(encoding="utf-8")
TREE = ElementTree.fromstring(TEXT).find("hashTree")
PROPERTY = re.compile(r"\$\{__P\((\w+)(?:,([^)]*))?\)\}")
# Aliases of JMeter 5's bin/saveservice.properties: an element it does not know stops the load of the plan.
ELEMENTS = {
    "TestPlan": "TestPlanGui",
    "ConfigTestElement": "HttpDefaultsGui",
    "ResponseAssertion": "AssertionGui",
    "JSONPathAssertion": "JSONPathAssertionGui",
    "JSONPostProcessor": "JSONPostProcessorGui",
    "ThreadGroup": "ThreadGroupGui",
    "ConstantThroughputTimer": "TestBeanGUI",
    "ConstantTimer": "ConstantTimerGui",
    "HTTPSamplerProxy": "HttpTestSampleGui",
    "ResultCollector": "SimpleDataWriter",
}
PROPERTIES = {"stringProp", "boolProp", "intProp", "elementProp", "collectionProp", "objProp"}


def elements() -> list[ElementTree.Element]:
    """Every test element of the plan, in order."""
    assert TREE is not None
    return [child for tree in TREE.iter("hashTree") for child in tree if child.tag != "hashTree"]


def prop(element: ElementTree.Element, name: str) -> str | None:
    """The value of an element's own property."""
    return next((child.text or "" for child in element if child.get("name") == name), None)


def sampler(label: str) -> ElementTree.Element:
    """The HTTP sampler of a label."""
    (found,) = (one for one in elements() if one.tag == "HTTPSamplerProxy" and one.get("testname") == label)
    return found


def test_every_element_is_one_that_jmeter_knows() -> None:
    """Given the plan, when its elements are listed, then each has a known class and that class's page."""
    assert {one.tag: one.get("guiclass") for one in elements()} == ELEMENTS
    assert all(one.get("testclass") == one.tag and one.get("enabled") == "true" for one in elements())
    assert {child.tag for one in elements() for child in one} <= PROPERTIES


def test_elements_and_their_trees_alternate() -> None:
    """Given the plan, when a tree is walked, then each element is followed by its own hashTree."""
    assert TREE is not None
    for tree in TREE.iter("hashTree"):
        tags = [child.tag == "hashTree" for child in tree]
        assert tags == [False, True] * (len(tags) // 2)


def test_no_host_and_no_time_is_written_down() -> None:
    """Given the plan, when hosts, ports, counts and times are read, then each is a property."""
    names = ("HTTPSampler.domain", "HTTPSampler.port", "HTTPSampler.protocol", "HTTPSampler.path")
    names += ("HTTPSampler.response_timeout", "HTTPSampler.connect_timeout", "throughput")
    names += ("ThreadGroup.num_threads", "ThreadGroup.duration", "filename")
    values = [value for one in elements() for name in names if (value := prop(one, name))]

    assert len(values) > 15
    assert all(PROPERTY.fullmatch(value) for value in values)
    assert not re.search(r"https?://|\d+\.\d+\.\d+\.\d+|localhost|amazonaws", TEXT)


def test_a_property_has_one_default_everywhere() -> None:
    """Given the plan's properties, when they are listed, then each has one default, and no host is one."""
    defaults: dict[str, set[str]] = {}
    for name, default in PROPERTY.findall(TEXT):
        defaults.setdefault(name, set()).add(default)

    assert all(len(values) == 1 for values in defaults.values()), defaults
    assert defaults["host"] == {"say-the-host.invalid"}
    # JMeter takes "1" for a property without a default.
    assert all("" not in values for values in defaults.values())


def test_all_properties_are_documented() -> None:
    """Given the page on load, when it is read, then it names every property of the plan."""
    page = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")

    assert {name for name, _ in PROPERTY.findall(TEXT)} <= set(re.findall(r"`(\w+)`", page))
    assert "-Jsample_variables=build" in page


@pytest.mark.parametrize(("label", "kept"), [("kept", "true"), ("fresh", "false"), (LONG, "true")])
def test_connections_are_kept_by_some_and_not_by_others(label: str, kept: str) -> None:
    """Given the three samplers, when their connections are looked at, then two keep them and one does not."""
    assert prop(sampler(label), "HTTPSampler.use_keepalive") == kept
    assert prop(sampler(label), "HTTPSampler.follow_redirects") == "false"


def test_an_answer_counts_only_with_200_and_the_services_own_name_and_build() -> None:
    """Given the assertions, when they are read, then they stand above all groups and ask for all three."""
    assert TREE is not None
    plan = TREE.findall("hashTree")[0]
    (code,) = plan.findall("ResponseAssertion")
    paths = [prop(one, "JSON_PATH") for one in plan.findall("JSONPathAssertion")]
    (extractor,) = plan.findall("JSONPostProcessor")

    assert prop(code, "Assertion.test_field") == "Assertion.response_code"
    assert [one.text for one in code.iter("stringProp")][:1] == ["200"]
    assert paths == ["$.service", "$.build"]
    assert prop(extractor, "JSONPostProcessor.referenceNames") == "build"
    assert prop(extractor, "JSONPostProcessor.defaultValues") == "none"


def test_a_failed_request_stops_nobody() -> None:
    """Given the thread groups, when a request fails, then its thread goes on."""
    groups = [one for one in elements() if one.tag == "ThreadGroup"]

    assert [one.get("testname") for one in groups] == ["kept connections", "new connections", "long requests"]
    assert {prop(one, "ThreadGroup.on_sample_error") for one in groups} == {"continue"}


def test_results_are_csv_with_names() -> None:
    """Given the listener, when its format is read, then it is what the report reads."""
    assert TREE is not None
    (config,) = TREE.iter("value")
    saved = {child.tag: child.text for child in config}

    assert (saved["xml"], saved["fieldNames"]) == ("false", "true")
    assert {saved[name] for name in ("time", "timestamp", "success", "label", "code", "message")} == {"true"}
    assert saved["saveAssertionResultsFailureMessage"] == "true"
