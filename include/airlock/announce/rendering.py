"""A release as Slack messages; pure.

Limits and escaping are Slack's own: three characters to escape in any text
(docs.slack.dev/messaging/formatting-message-text), 3000 characters a text object, 50 blocks
a message (docs.slack.dev/reference/block-kit), and about 12 000 characters over all blocks
(slackapi/bolt-js#2509); chat.update refuses a text over 4000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from include.airlock.announce import wording
from include.airlock.model.record import Event, Outcome, ReleaseRecord

TEXT_LIMIT = 2900
"""Of one text object; Slack's own is 3000."""
FALLBACK_LIMIT = 3500
"""Of the text beside the blocks; chat.update's own is 4000."""
REGIONS_LIMIT, REGION_LIMIT = 6000, 300
"""Of what is said of all regions and of one: 32 regions stay below what Slack takes over all blocks."""
EVENTS_A_REPLY = 10
"""Events in one reply of a thread, each a block of its own."""

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ADDRESS = re.compile(r"https?://([A-Za-z0-9.-]{1,255}|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(/[!#-;=?-{}~]{0,400})?")
"""Without ``"``, ``<``, ``>`` and ``|``, which end a link."""
_LOUD = re.compile(r"@(?=(?:channel|here|everyone|group)\b)", re.IGNORECASE)

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One message: blocks, and the same as text for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]

    @property
    def digest(self) -> str:
        """A short sign of the content: the same for the same message."""
        return sha256(json.dumps([self.text, self.blocks], sort_keys=True).encode()).hexdigest()[:16]


def escaped(text: str, limit: int) -> str:
    """``text`` as Slack shows it literally, at most ``limit`` characters after escaping.

    ``&``, ``<`` and ``>`` are all that opens a mention or a link; an invisible joiner keeps
    ``@channel`` and its like from being read as one where a client parses plain words.
    """
    quiet = _LOUD.sub("@\u2060", text)
    pieces: list[str] = []
    length = 0
    for character in quiet:
        piece = _ESCAPES.get(character, character)
        if length + len(piece) > limit - 1:
            return "".join(pieces) + "…"
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


def said(text: str | None, limit: int) -> str:
    """A value that somebody typed or a server sent: one visible line, escaped, cut."""
    return escaped(wording.plain(text, limit), limit)


def link(url: str | None, words: str) -> str:
    """A link where ``url`` is a plain http(s) address, else nothing."""
    address = url or ""
    return f"<{address.replace('&', '&amp;')}|{words}>" if _ADDRESS.fullmatch(address) else ""


def headline(record: ReleaseRecord) -> Message:
    """The one message of a release, as it stands now."""
    emoji, words = wording.state(record)
    title = f"{emoji} *{said(wording.name(record), 120)}* {said(words, 160)}"
    parts = [_section([title])]
    run = link(wording.address(record), "Open the run")
    parts.append(_context(filter(None, [said(wording.who(record), 300), run])))
    if reason := said(record.reason, 600):
        parts.append(_section([f"Why: {reason}"]))
    if record.rollback:
        parts.append(_section([f"Why back: {said(record.rollback.reason, 600)}"]))
    if override := said(record.window_override, 600):
        parts.append(_section([f"⚠️ Windows and freezes are overridden: {override}"]))
    if record.question and record.outcome is Outcome.RUNNING:
        parts.append(_section([f"{said(wording.question(record.question), 700)} {_answer(record)}".strip()]))
    parts += [_section(lines) for lines in _pages(_region_lines(record))]
    parts += [_section(lines) for lines in _pages(_warning_lines(record.warnings))]
    if sentence := said(record.sentence, 700):
        parts.append(_section([sentence]))
    parts.append(_context([said(wording.progress(record), 200)]))
    return Message(escaped(wording.summary(record), FALLBACK_LIMIT), tuple(parts))


def thread(events: Sequence[tuple[str, Event]]) -> Message:
    """A reply in the thread: events with the region they belong to ('' for the release)."""
    lines = [wording.event_line(region, event) for region, event in events[:EVENTS_A_REPLY]]
    blocks = tuple(_section([escaped(line, 900)]) for line in lines)
    return Message(escaped("\n".join(lines), FALLBACK_LIMIT), blocks)


def ending(record: ReleaseRecord) -> Message:
    """The message that people notice: how it ended, and where to look."""
    line = escaped(wording.ending(record), 900)
    links = (link(wording.address(record), "Open the run"), link(record.file, "Record"))
    return Message(line, (_section([" ".join(filter(None, (line, *links)))]),))


def _answer(record: ReleaseRecord) -> str:
    return link(record.question.url if record.question else None, "Answer it")


def _region_lines(record: ReleaseRecord) -> list[str]:
    regions = wording.asked(record)
    limit = min(REGION_LIMIT, REGIONS_LIMIT // max(1, len(regions)))
    lines = []
    for region in regions:
        emoji, stand = wording.region_state(record, region)
        lines.append(f"{emoji} *{said(region.name, 40)}* {said(stand, limit)}")
    return lines


def _warning_lines(warnings: Sequence[str]) -> list[str]:
    shown = [f"⚠️ {said(warning, 220)}" for warning in warnings[:5]]
    more = len(warnings) - len(shown)
    return [*shown, f"⚠️ and {more} more; see the run"] if more else shown


def _pages(lines: Iterable[str]) -> list[list[str]]:
    """Lines in groups that each fit one text object."""
    pages: list[list[str]] = []
    length = TEXT_LIMIT + 1
    for line in lines:
        if length + len(line) + 1 > TEXT_LIMIT:
            pages.append([])
            length = 0
        pages[-1].append(line)
        length += len(line) + 1
    return pages


def _section(lines: Sequence[str]) -> Block:
    return {"type": "section", "text": _mrkdwn("\n".join(lines))}


def _context(texts: Iterable[str]) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text) for text in texts]}


def _mrkdwn(text: str) -> Block:
    """``verbatim``: addresses and names inside values stay text and become no links or mentions."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
