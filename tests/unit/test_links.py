"""No dead link in the documentation: every relative link leads to a file, every anchor to a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SKIPPED = {".venv", ".airlock", ".git", ".pytest_cache", "node_modules"}

# [text](target), ![text](target "title") and <img src="target">
_LINK = re.compile(r"""\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:src|href)=["']([^"']+)["']""")
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_ANCHOR = re.compile(r"""<a\s+(?:id|name)=["']([^"']+)["']""")


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    found = PROJECT.rglob("*.md")
    return sorted(page for page in found if not SKIPPED & set(page.relative_to(PROJECT).parts))


def links(text: str) -> Iterator[str]:
    """The targets of a page's links, code aside."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    for match in _LINK.finditer(prose):
        yield match[1] or match[2]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings, and those written by hand."""
    found: set[str] = set(_ANCHOR.findall(text))
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).strip().replace(" ", "-")
        number = 0
        while (name := slug if number == 0 else f"{slug}-{number}") in found:
            number += 1
        found.add(name)
    return found


def fault_of(page: Path, target: str) -> str | None:
    """What is wrong with a link of a page; None when it leads somewhere, or out of the project."""
    if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
        return None
    path, _, anchor = target.partition("#")
    file = page if not path else (page.parent / unquote(path)).resolve()
    if not file.is_relative_to(PROJECT) or not file.exists():
        return f"{page.relative_to(PROJECT)}: {target}: no such file"
    if anchor and file.suffix == ".md" and unquote(anchor) not in anchors(file.read_text(encoding="utf-8")):
        return f"{page.relative_to(PROJECT)}: {target}: no such heading"
    return None


def test_every_relative_link_leads_somewhere() -> None:
    faults = [
        fault for page in pages() for target in links(page.read_text(encoding="utf-8"))
        if (fault := fault_of(page, target))
    ]  # fmt: skip
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see [this](docs/a.md#b)", ["docs/a.md#b"]),
        ('![graph](docs/graph.png "A graph")', ["docs/graph.png"]),
        ('<img src="docs/graph.png">', ["docs/graph.png"]),
        ("`[not](a-link.md)`", []),
        ("```\n[not](a-link.md)\n```\n", []),
    ],
)
def test_links_are_found_in_prose_and_not_in_code(text: str, expected: list[str]) -> None:
    assert list(links(text)) == expected


def test_a_link_to_nowhere_is_a_fault() -> None:
    page = PROJECT / "README.md"
    assert fault_of(page, "docs/no-such-page.md") == "README.md: docs/no-such-page.md: no such file"
    assert fault_of(page, "https://example.org/") is None


def test_headings_get_the_anchors_that_github_gives_them() -> None:
    text = "# The sandbox's own door\n## `make demo`, shown\n## Twice\n## Twice\n"
    assert anchors(text) == {"the-sandboxs-own-door", "make-demo-shown", "twice", "twice-1"}
