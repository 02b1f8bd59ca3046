"""Who asks: moto's calls, with the one user that the sandbox's access key belongs to."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from include.sandbox.aws.world import AwsWorld


class StsCalls(TokenResponse):  # type: ignore[misc] # moto's types are not followed
    """GetCallerIdentity; the others are moto's."""

    def __init__(self, world: AwsWorld) -> None:
        super().__init__()
        self._world = world

    def get_caller_identity(self) -> ActionResult:
        """GetCallerIdentity: the same user that an AccessDenied names, or the role that was assumed."""
        if self.get_access_key() != self._world.around.config.aws.access_key_id:
            return super().get_caller_identity()
        account = self._world.books.account
        user = {"UserId": "AIDASANDBOX000000001", "Account": account}
        return ActionResult({**user, "Arn": f"arn:aws:iam::{account}:user/sandbox"})
