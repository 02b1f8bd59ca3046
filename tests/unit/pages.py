"""The documentation's pages, taken apart for their tests: text, code blocks, commands, quoted sentences."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# docs/announcing.md has a test of its own; docs/spec.md is generated, see tests/unit/model/test_schema.py.
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if page.name not in ("announcing.md", "spec.md")
)
BY_NAME = {str(page.relative_to(ROOT)): page for page in PAGES}


def text(page: str) -> str:
    """A page by its path from the project's root."""
    return BY_NAME[page].read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """A page's code blocks in a language, also those inside a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text(page), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


def all_blocks(language: str) -> list[Any]:
    """Each page's blocks in a language, as parameters of a test."""
    return [
        pytest.param(block, id=f"{page}-{number}")
        for page in BY_NAME
        for number, block in enumerate(blocks(page, language), start=1)
    ]


def commands(block: str) -> list[list[str]]:
    """The commands of a shell block as words; a quoted body stays one word."""
    joined = block.replace("\\\n", " ")
    lines: list[str] = []
    for line in joined.splitlines():
        if lines and (lines[-1].count("'") % 2 or lines[-1].count('"') % 2):
            lines[-1] += f"\n{line}"
        else:
            lines.append(line)
    return [shlex.split(line) for line in lines if line.strip()]


def curls(page: str) -> list[tuple[str, str, Any]]:
    """Each call of curl in a page: method, address and JSON body (None where there is none)."""
    found = []
    for block in blocks(page, "bash"):
        for words in commands(block.replace(" |\n", " \n")):
            if words and words[0] == "curl":
                found.append(call(words))
    return found


def call(words: list[str]) -> tuple[str, str, Any]:
    """What one call of curl asks for: method, address and JSON body; one from a pipe or file is not known."""
    url = next(word for word in words if word.startswith(("$AIRFLOW", "$CONTROL")))
    body = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "GET" if body is None else "POST"
    return method, url, None if body is None or body.startswith("@") else json.loads(body)


def pieces(sentence: str) -> list[str]:
    """The parts of a sentence between what is filled in, those long enough to be told from others."""
    return [piece for part in re.split(r"…| N ", sentence) if len(piece := part.strip(" :;`")) > 7]


@cache
def said() -> str:
    """The product's source, its texts in one piece."""
    sources = (ROOT / "include" / "airlock").rglob("*.py")
    said = " ".join(source.read_text(encoding="utf-8") for source in sources)
    return re.sub(r'"\s*\n\s*f?"', "", said)  # texts that go on in the next line
