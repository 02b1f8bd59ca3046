"""The AWS services of the example world, as plain JSON: the start of every configuration."""

from __future__ import annotations

from typing import Any

REGION = "eu-west-1"

AWS_SERVICES: dict[str, Any] = {
    # Two farms behind an ELB, as in the article: a small one first, then production behind two kinds at once.
    "checkout": {
        "regions": {
            REGION: {
                "farms": {
                    "staging": {"machines": 2, "classic_load_balancer": True},
                    "production": {
                        "machines": 2,
                        "target_group": "application",
                        "classic_load_balancer": True,
                    },
                }
            }
        }
    },
    # Two target groups behind one listener: blue is live.
    "search": {"regions": {REGION: {"blue_green": {"machines": 2}}}},
}
