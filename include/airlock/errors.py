"""Every way a step of a release can end other than well.

One tree; ``retryable`` is the only thing a retry policy asks::

    AirlockError
    ├── SpecError            a service's YAML is wrong                    final
    ├── RequestError         the change request is wrong                  final
    ├── ConnectionMissing    an Airflow connection is absent or incomplete final
    ├── Refused              the look before acting found faults          final
    │   ├── Locked           the service is locked                        final
    │   ├── WindowClosed     no window fits the region now                final
    │   ├── NotApproved      somebody said no, or nobody said yes         final
    │   └── TooFewServe      a machine may not leave: the floor           final
    ├── Drifted              the world is not what the release believes   final
    │   └── Overtaken        another process of the release is at work    retryable
    ├── SwapFailed           the platform gave up; proved: nothing swapped final
    ├── DeployFailed         the deploy command ended badly or not at all final
    ├── Stalled              a state was not reached in its time          final
    ├── Unverified           the status page did not turn Healthy         final
    │   ├── NotHealthy       it answered, and something is wrong          final
    │   └── NotProven        no clear answer until the deadline           final
    ├── NotProvenBack        the way back could not be proved             final
    ├── Decided              it was decided that the region stops         final
    ├── ReleaseFailed        the verdict of a release that was not accepted final
    └── CloudError           the platform did not do what was asked
        ├── Denied           401, 403: credentials or rights              final
        ├── NotFound         404: no such site, slot or operation         final
        ├── Rejected         any other answer that asking again won't mend final
        └── Transient        asking again may help                        retryable
            ├── Throttled    429, with the wait that was asked for        retryable
            └── Unreachable  no answer, or a gateway's                    retryable

Telling has an error of its own, ``include.airlock.announce.notifier.NotTold``; it never leaves there.

A verdict is never retried: a retry would only hide it. What is retried is a lost
connection or a lost worker, because every step starts by looking.
"""

from __future__ import annotations

from typing import ClassVar


class AirlockError(Exception):
    """Base of all of Airlock's errors; its text is one sentence that says what to do."""

    retryable: ClassVar[bool] = False


class SpecError(AirlockError):
    """A service's spec can't be used; each line names file, line and fault."""


class RequestError(AirlockError):
    """A change request can't be used; every fault is named."""


class ConnectionMissing(AirlockError):
    """An Airflow connection that the spec names is absent or lacks a field."""


class Refused(AirlockError):
    """The look before acting found faults; nothing was touched."""


class Locked(Refused):
    """The service is locked, with a written reason; an explicit act unlocks it."""


class WindowClosed(Refused):
    """A region may not start: no window is open long enough, and the spec does not say to wait for one."""


class NotApproved(Refused):
    """A release or a region may not start: somebody said no, or nobody answered in time."""


class TooFewServe(Refused):
    """A machine may not leave its load balancers: too few others would serve."""


class Drifted(AirlockError):
    """The world is not what the release believes; acting would be a guess."""


class Overtaken(Drifted):
    """Another process of the same release is changing the region; this one stops and writes nothing.

    It says nothing of the region, so the step is tried again: the other one may be about to be killed.
    """

    retryable = True


class SwapFailed(AirlockError):
    """The platform gave up on the swap, and a look proved that nothing was swapped."""


class DeployFailed(AirlockError):
    """The command that puts a build on a machine ended badly, or not in its time."""


class Stalled(AirlockError):
    """A load balancer or a machine did not reach a state in its time, such as drained or healthy."""


class Unverified(AirlockError):
    """The status page did not turn Healthy."""


class NotHealthy(Unverified):
    """The status page answered clearly, and something is wrong."""


class NotProven(Unverified):
    """The status page gave no clear answer until the deadline."""


class NotProvenBack(AirlockError):
    """A region was to be swapped back and it could not be proved that the old build serves."""


class Decided(AirlockError):
    """A region failed, and it was decided that it goes no further; the way back does what was chosen."""


class ReleaseFailed(AirlockError):
    """The release ended without every asked region accepted; the text says why."""


class CloudError(AirlockError):
    """A cloud API did not do what was asked."""

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Denied(CloudError):
    """401 or 403: the connection's credentials are wrong, expired or lack a right."""


class NotFound(CloudError):
    """404: no such site, slot or operation."""


class Rejected(CloudError):
    """An answer that sending the same request again won't change."""


class Transient(CloudError):
    """Asking again may help."""

    retryable = True


class Throttled(Transient):
    """429: too many requests; ``retry_after`` is the wait in seconds that the platform asked for."""

    def __init__(self, message: str, *, retry_after: float, status: int | None = 429) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No answer, a cut answer, or a gateway's 5xx: what was asked may or may not have happened."""
