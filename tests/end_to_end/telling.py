"""What people were told of a release: the same words in the same places, whatever the strategy."""

from __future__ import annotations

from collections.abc import Sequence

from tests.end_to_end.release import Release


def assert_told(release: Release, build: str, places: Sequence[str], words: Sequence[str]) -> None:
    """One headline was edited along the way, its thread has the details, and other media got the same.

    ``words`` are in the headline, beside the build and every place.
    """
    headline, *others = release.messages()
    assert headline["edited"] >= len(places)
    for word in (release.service, build, *places, *words):
        assert word in headline["text"]
    replies = release.replies()
    # All else is in its thread, and only the end is shown in the channel as well.
    assert others == replies
    assert [reply["reply_broadcast"] for reply in replies] == [False] * (len(replies) - 1) + [True]
    assert "is released" in replies[-1]["text"]
    told = "\n".join(reply["text"] for reply in replies)
    for place in places:
        assert told.count(f"{place}: accepted with {build}") == 1
    hooks = [hook["body"] for hook in release.sandbox.hooks()["hooks"] if release.run_id in str(hook["body"])]
    assert hooks and build in str(hooks[-1])
