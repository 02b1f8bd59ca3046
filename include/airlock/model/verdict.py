"""What a look at a status page comes to: Healthy, Unhealthy or Inconclusive, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Healthy:
    """The page said clearly: the expected build runs, is well and has all its dependencies."""

    build: str


@dataclass(frozen=True)
class Unhealthy:
    """The page said clearly that something is wrong; ``reasons`` are sentences without a full stop.

    ``wrong_build``: another build than the expected one answered, so whatever else the page says
    is about that other build.
    """

    reasons: tuple[str, ...]
    build: str | None = None
    wrong_build: bool = False


@dataclass(frozen=True)
class Inconclusive:
    """The page said nothing clear: no answer, not readable, incomplete, or still starting."""

    reasons: tuple[str, ...]
    build: str | None = None


Verdict = Healthy | Unhealthy | Inconclusive


def in_words(verdict: Verdict) -> str:
    """Say a verdict in one line."""
    if isinstance(verdict, Healthy):
        return f"healthy, build {verdict.build}"
    kind = "unhealthy" if isinstance(verdict, Unhealthy) else "inconclusive"
    return f"{kind}: {'; '.join(verdict.reasons)}"
