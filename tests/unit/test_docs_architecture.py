"""ARCHITECTURE.md and README.md lead to everything: each decision, each page."""

from __future__ import annotations

import re

from tests.unit.pages import ROOT, text

DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def test_each_decision_is_listed_under_its_own_words() -> None:
    """Given the decisions on disk, then the table has each once, in order, by its title."""
    listed = re.findall(
        r"^\| \[(\d{4})\]\(docs/adr/(\S+)\) \| (.+) \|$", text("ARCHITECTURE.md"), re.MULTILINE
    )
    found = []
    for page in DECISIONS:
        title = page.read_text(encoding="utf-8").splitlines()[0]
        number, _, words = title.removeprefix("# ").partition(": ")
        found.append((number, page.name, words))
    assert [(number, name) for number, name, _ in listed] == [(number, name) for number, name, _ in found]
    # one that is superseded says so behind its title
    assert all(words.startswith(title) for (_, _, words), (_, _, title) in zip(listed, found, strict=True))


def test_the_numbers_of_decisions_have_neither_holes_nor_doubles() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_readme_leads_to_each_page() -> None:
    """Given the pages of docs/, then each has its row under "Read on"."""
    rows = text("README.md").split("## Read on")[1]
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert {
        f"docs/{name}" for name in re.findall(r"^\| \[[^]]+\]\(docs/([^)#]+)\)", rows, re.MULTILINE)
    } == pages
