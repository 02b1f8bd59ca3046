"""What every part of the configuration is made of."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

BUILD_PATTERN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")


class Frozen(BaseModel):
    """A closed, immutable model: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
