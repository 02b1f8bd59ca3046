"""The states of both kinds of load balancer, in one set of words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.aws.standing import Standing, of_classic, of_target

DRAINING = "Instance deregistration currently in progress."
NOT_YET = "Instance registration is still in progress."
FAILED = "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."


@pytest.mark.parametrize(
    ("state", "reason", "standing"),
    [
        ("initial", "Elb.RegistrationInProgress", Standing.REGISTERING),
        ("initial", "Elb.InitialHealthChecking", Standing.REGISTERING),
        ("healthy", None, Standing.IN_SERVICE),
        ("unhealthy", "Target.ResponseCodeMismatch", Standing.UNHEALTHY),
        ("unhealthy", "Target.Timeout", Standing.UNHEALTHY),
        ("unhealthy", "Target.FailedHealthChecks", Standing.UNHEALTHY),
        ("unhealthy.draining", None, Standing.UNHEALTHY),
        ("draining", "Target.DeregistrationInProgress", Standing.DRAINING),
        ("unused", "Target.NotRegistered", Standing.OUT),
        ("unused", "Target.NotInUse", Standing.UNKNOWN),
        ("unused", "Target.InvalidState", Standing.UNKNOWN),
        ("unused", "Target.IpUnusable", Standing.UNKNOWN),
        ("unused", None, Standing.UNKNOWN),
        ("unavailable", "Target.HealthCheckDisabled", Standing.UNKNOWN),
        ("unavailable", "Elb.InternalError", Standing.UNKNOWN),
        (None, None, Standing.UNKNOWN),
        ("a state of next year", None, Standing.UNKNOWN),
    ],
)
def test_a_target(state: str | None, reason: str | None, standing: Standing) -> None:
    assert of_target(state, reason) is standing


@pytest.mark.parametrize(
    ("state", "code", "description", "standing"),
    [
        ("InService", "N/A", "N/A", Standing.IN_SERVICE),
        ("InService", "N/A", DRAINING, Standing.DRAINING),
        ("OutOfService", "ELB", NOT_YET, Standing.REGISTERING),
        ("OutOfService", "Instance", FAILED, Standing.UNHEALTHY),
        ("OutOfService", "N/A", None, Standing.UNKNOWN),
        ("Unknown", "N/A", "A transient error occurred. Please try again later.", Standing.UNKNOWN),
        (None, None, None, Standing.UNKNOWN),
    ],
)
def test_an_instance_of_a_classic_load_balancer(
    state: str | None, code: str | None, description: str | None, standing: Standing
) -> None:
    assert of_classic(state, code, description) is standing


@given(st.text(), st.text())
def test_only_healthy_is_in_service_and_only_not_registered_is_out(state: str, reason: str) -> None:
    standing = of_target(state, reason)
    assert standing is not Standing.IN_SERVICE or state == "healthy"
    assert standing is not Standing.OUT or (state, reason) == ("unused", "Target.NotRegistered")


@given(st.text(), st.text(), st.text())
def test_no_state_of_a_classic_load_balancer_means_out(state: str, code: str, said: str) -> None:
    """Only absence from its list does."""
    assert of_classic(state, code, said) is not Standing.OUT
