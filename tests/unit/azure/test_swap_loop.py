"""The swap's loop against a model of the cloud: whatever is lost, killed or refused, one net swap at most."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.azure.swap import Clock, Swap
from include.airlock.azure.swap_decision import Timing, World
from include.airlock.errors import AirlockError, Denied, Drifted, SwapFailed
from include.airlock.model.record import Side, SwapIntent, SwapPhase
from tests.unit.azure.cloud_model import NEW, OLD, CloudModel, Killed, answer

TIMING = Timing(timeout=300, settle=30)


def meant(cloud: CloudModel) -> SwapIntent:
    return SwapIntent(
        phase=SwapPhase.INTENT,
        direction="forward",
        production=Side(build=OLD, deployment_id=f"id-{OLD}"),
        staging=Side(build=NEW, deployment_id=f"id-{NEW}"),
        expected=NEW,
        since=cloud.clock,
    )


class Disk:
    """What survives the worker: the intent as last stored."""

    def __init__(self, cloud: CloudModel) -> None:
        self.cloud = cloud
        self.stored = meant(cloud).model_dump_json()

    def save(self, intent: SwapIntent) -> None:
        self.cloud.step()
        self.stored = intent.model_dump_json()

    def load(self) -> SwapIntent:
        return SwapIntent.model_validate_json(self.stored)


def run(cloud: CloudModel, disk: Disk) -> World | float:
    """One worker's life; deferrals come back at once."""
    while True:
        swap = Swap(cloud, cloud.look, disk.save, TIMING, patience=60, clock=Clock(cloud.now, cloud.sleep))  # type: ignore[arg-type]
        result = swap.carry_out(disk.load())
        if not isinstance(result, float):
            return result
        cloud.sleep(result)


def run_with_kill(cloud: CloudModel) -> World | float | AirlockError:
    """Start again with what was stored whenever the worker is killed."""
    disk = Disk(cloud)
    for _ in range(3):
        try:
            return run(cloud, disk)
        except Killed:
            cloud.kill_at = None
            cloud.sleep(20.0)  # the time until Airflow notices
        except AirlockError as fault:
            return fault
    raise AssertionError("never ended")


KINDS = [
    "accepted", "lost_after", "lost_before", "gateway_after", "gateway_before",
    "busy", "prepared", "throttled", "ping", "broken", "fails", "lies",
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(
    script=st.lists(st.sampled_from(KINDS), max_size=5),
    kill_at=st.one_of(st.none(), st.integers(1, 25)),
    duration=st.floats(0.1, 120.0),
    late=st.floats(0.0, 20.0),
)
def test_done_once_or_a_loud_stop(
    script: list[str], kill_at: int | None, duration: float, late: float
) -> None:
    # Given any row of answers, a worker killed after any act, a swap that takes and starts when it likes
    cloud = CloudModel(script=list(script), kill_at=kill_at, duration=duration, late_start=late)
    # When the swap is carried out, again after a kill
    result = run_with_kill(cloud)
    cloud.sleep(1_000.0)
    # Then it happened once and is said to be done, or it did not happen and the stop is loud
    if isinstance(result, AirlockError):
        assert cloud.swaps == 0, f"swapped, yet: {result}"
        assert cloud.content == [OLD, NEW]
    else:
        assert cloud.swaps == 1
        assert cloud.content == [NEW, OLD]


@pytest.mark.parametrize(
    ("script", "posts"),
    [
        (["accepted"], 1),
        (["gateway_after"], 1),
        (["lost_after"], 1),
        (["lost_before", "accepted"], 2),
        (["throttled", "accepted"], 2),
        (["busy", "accepted"], 2),
        (["ping", "accepted"], 2),
        (["fails", "accepted"], 2),
        (["prepared", "accepted"], 2),
    ],
)
def test_how_often_it_is_asked(script: list[str], posts: int) -> None:
    # Given these answers / When it is carried out / Then no more requests are sent than proof allows
    cloud = CloudModel(script=list(script))
    assert not isinstance(run_with_kill(cloud), AirlockError)
    assert (cloud.posts, cloud.swaps) == (posts, 1)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (["broken"], SwapFailed, "worker process could not be started"),
        (["lies"], SwapFailed, "reported success, yet production still answers 2026.11.1"),
        (["ping", "ping", "ping"], SwapFailed, "asked 3 times, and nothing was swapped"),
        (["busy"] * 200, SwapFailed, "did not take the swap within 300 s"),
    ],
)
def test_stops_say_why(script: list[str], error: type[AirlockError], words: str) -> None:
    # Given a platform that gives up / When it is carried out / Then the stop says why; nothing was swapped
    cloud = CloudModel(script=list(script))
    result = run_with_kill(cloud)
    assert type(result) is error
    assert words in str(result)
    assert cloud.swaps == 0


def test_a_person_swaps_back_while_the_worker_is_dead() -> None:
    # Given a swap that was done, a worker that died before it could say so, and a person who swapped back
    cloud = CloudModel(kill_at=8)
    disk = Disk(cloud)
    with pytest.raises(Killed):
        run(cloud, disk)
    cloud.kill_at = None
    cloud.sleep(60)
    cloud._begin()
    cloud.sleep(60)
    # When the step is tried again / Then it stops loudly and sends nothing
    with pytest.raises(Drifted, match="undone by somebody"):
        run(cloud, disk)
    assert cloud.posts == 1


def test_refused_credentials_stop_at_once() -> None:
    # Given a token that has expired / When the request is sent / Then it stops, and says what to check
    cloud = CloudModel()
    cloud.swap = lambda: answer(401, "The access token has expired")  # type: ignore[method-assign]
    with pytest.raises(Denied, match="expired"):
        run(cloud, Disk(cloud))
