"""What a rival's release came to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Outcome:
    """One release by one rival: seconds of wall time, the steps it took, and whether it called it done.

    ``ok`` is the rival's own word, which is not what clients saw.
    """

    rival: str
    wall_s: float
    steps: int
    ok: bool
    detail: str = ""

    def line(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps({**asdict(self), "wall_s": round(self.wall_s, 3)})
