"""One press of the button that undoes a release, seen from outside."""

from __future__ import annotations

from tests.end_to_end.release import LIMIT_S, Json, Release

WHY = "refunds are paid twice"


class Back(Release):
    """A run of ``rollback_<service>``."""

    @property
    def dag(self) -> str:
        return f"rollback_{self.service}"

    @classmethod
    def press(cls, release: Release, run_id: str, **conf: object) -> Back:
        """Press the button for the service of a release."""
        release.api.await_dag(f"rollback_{release.service}", timeout_s=LIMIT_S)
        release.api.trigger_run(f"rollback_{release.service}", {"reason": WHY} | conf, run_id=run_id)
        return cls(release.api, release.sandbox, release.service, run_id, release.since)

    def verdict(self) -> Json:
        """What machines read of its end."""
        found: Json = self.api.xcom(self.dag, self.run_id, "verdict", "verdict")
        return found
