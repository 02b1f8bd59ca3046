"""A rollback of slots killed, cut off and crossed at any act: each region back once, or a loud stop."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.airlock.azure.place import SlotPlace
from include.airlock.errors import AirlockError, NotProvenBack, Refused
from include.airlock.model.loading import parse_service
from include.airlock.model.record import Outcome, Phase
from include.airlock.model.service import Service
from include.airlock.release.back import roll_back
from include.airlock.release.ledger import Ledger
from include.airlock.release.verdict import outcome_of
from tests.unit.aws.machine_parts import Killed
from tests.unit.azure.cloud_model import NEW, OLD
from tests.unit.azure.slot_cloud import SlotCloud, wired
from tests.unit.release.pressing import Press, Release, Store, tried

logging.disable(logging.WARNING)

LATER = "2026.11.3"
REGIONS = ("westeurope", "northeurope", "uksouth")
SPEC = """\
service: shop
owner: team-shop
strategy: slot_swap
regions:
{regions}
status_page:
  path: /status
  format: json
  build: build
  health: state
  dependencies: null
  consecutive: 2
  interval: 1s
  deadline: 1m
bake: 0s
swap_timeout: 30m
swap_settle: 10s
refresh:
  package: {{url: "https://packages.example.com/shop-{{build}}.zip"}}
  deadline: 2m
"""


def spec(regions: tuple[str, ...]) -> Service:
    rows = [f"  - {{name: {name}, connection: az, resource_group: rg, app: shop-{name}}}" for name in regions]
    return parse_service(SPEC.format(regions="\n".join(rows)), name="shop.yaml")


@dataclass
class Story:
    """A release that ended well, and what comes after."""

    cloud: SlotCloud
    service: Service
    ledger: Ledger
    gap_s: float = 20.0
    running: str | None = None

    def release(self, run: str, build: str) -> Release:
        return Release(self.cloud, self.service, self.ledger, run, build, self.gap_s)

    def press(self, run: str = "back-1") -> Press:
        self.cloud.worker = run
        return Press(self.cloud, self.service, self.ledger, lambda: self.running, run, self.gap_s)

    def play(self, script: dict[int, str]) -> None:
        """What the script says counts from here on."""
        self.cloud.script = {self.cloud.acts + act: word for act, word in script.items()}

    @property
    def production(self) -> list[str]:
        self.cloud.sleep(1_000.0)
        return [app.content[0] for app in self.cloud.apps.values()]

    def swapped(self, who: str | None = None) -> list[str]:
        return [name for by, what, name in self.cloud.journal if what == "swap" and who in (None, by)]

    def outcome(self, release: str = "CHG-1") -> Outcome:
        record = self.ledger.release(release)
        assert record is not None
        return outcome_of(record)[0]


@contextmanager
def released(regions: int, staged: str = OLD, gap_s: float = 20.0) -> Iterator[Story]:
    """A release of NEW that ended; ``staged`` is what its staging slots hold since."""
    names = REGIONS[:regions]
    cloud = SlotCloud(names, OLD, NEW)
    with wired(cloud):
        story = Story(cloud, spec(names), Ledger(Store(cloud)), gap_s)
        release = story.release("CHG-1", NEW)
        assert release.go(), release.stopped
        for app in cloud.apps.values():
            assert app.content == [NEW, OLD]
            app.content[1] = staged
        cloud.journal.clear()
        cloud.going_back = set(names)
        yield story


words = st.sampled_from(["kill", "kill", "kill", "lost", "cut"])
ACTS = st.integers(1, 130)
gaps = st.sampled_from([1.0, 20.0, 400.0])
staged = st.sampled_from([OLD, NEW, LATER])
common = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


@settings(common, max_examples=120)
@given(
    regions=st.integers(1, 3),
    script=st.dictionaries(ACTS, words, max_size=5),
    held=staged,
    gap=gaps,
)
def test_kills_and_lost_answers_end_with_every_region_back_once(
    regions: int, script: dict[int, str], held: str, gap: float
) -> None:
    # Given a release that ended, its staging slots as they were or deployed to since
    with released(regions, held, gap) as story:
        story.play(script)
        # When it is undone by workers that die and ask in vain
        press = story.press()
        assert press.go(), press.stopped
    # Then every region serves the old build, swapped once, the last one first
    assert story.production == [OLD] * regions
    assert story.swapped() == list(reversed(REGIONS[:regions]))
    assert story.outcome() is Outcome.ROLLED_BACK
    lock = story.ledger.lock()
    assert lock is not None and lock.kind == "rolled_back"


@pytest.mark.parametrize("held", [OLD, NEW])
def test_an_airflow_that_was_away_for_an_hour_goes_on(held: str) -> None:
    for act in range(1, 75):
        # Given a worker that dies at this act, and nobody who starts it again for longer than a swap may take
        with released(1, held, 4_000.0) as story:
            story.play({act: "kill"})
            # When the step is tried again / Then it goes on to its end, with one swap
            press = story.press()
            assert press.go(), (act, press.stopped)
            assert story.production == [OLD]
            assert len(story.swapped()) == 1


def begins(story: Story, release: Release) -> None:
    """From its first act on Airflow calls the release running; each time it goes on for so many acts."""
    cloud = story.cloud

    def rival(acts: int) -> None:
        back, cloud.worker, cloud.leash = cloud.worker, release.run_id, cloud.acts + acts
        story.running = release.run_id
        try:
            if release.stopped is None:
                release.go()
        except Killed:
            pass  # it stands still for a while
        finally:
            cloud.worker, cloud.leash = back, None

    cloud.rival = rival


rivals = st.dictionaries(
    ACTS, st.one_of(words, st.integers(1, 120).map(lambda acts: f"rival {acts}")), max_size=4
)


@settings(common, max_examples=120)
@given(regions=st.integers(1, 2), script=rivals, gap=st.sampled_from([1.0, 20.0]))
def test_a_release_that_starts_meanwhile_has_its_way_or_is_kept_out(
    regions: int, script: dict[int, str], gap: float
) -> None:
    # Given staging slots that hold the next build, and somebody who releases it at any moment
    with released(regions, LATER, gap) as story:
        other = story.release("CHG-2", LATER)
        begins(story, other)
        story.play(script)
        # When the button is pressed
        press = story.press()
        back = press.go()
        lock = story.ledger.lock()
        changed = {who for who, _, _ in story.cloud.journal}
        # Then only one of both has changed anything
        assert len(changed) <= 1, story.cloud.journal
        if back:
            assert story.production == [OLD] * regions
        else:
            assert isinstance(press.stopped, Refused), press.stopped
            assert "back-1" not in changed or story.outcome() is Outcome.HALTED
        # And where the rollback never began, it left no lock behind, and the other goes on to its end
        record = story.ledger.release("CHG-1")
        assert record is not None
        if record.rollback is None:
            assert lock is None or (lock.kind, lock.release) == ("in_flight", "CHG-2"), lock
            story.cloud.script, story.cloud.rival, story.cloud.worker = {}, None, "CHG-2"
            story.cloud.going_back = set()
            assert other.stopped or other.go(), other.stopped


@settings(common, max_examples=60)
@given(regions=st.integers(1, 2), script=rivals, held=st.sampled_from([OLD, NEW]))
def test_a_process_that_was_held_for_lost_does_nothing_twice(
    regions: int, script: dict[int, str], held: str
) -> None:
    # Given another process of the same steps, which Airflow took for lost, and which goes on now and then
    with released(regions, held) as story:
        press = story.press()

        def rival(acts: int) -> None:
            story.cloud.leash = story.cloud.acts + acts
            with suppress(Killed, AirlockError):
                for name in reversed(press.places):
                    press.undo(name, 60.0)
            story.cloud.leash = None

        story.cloud.rival, story.cloud.at_reads = rival, True
        story.play(script)
        # When the release is undone, and a step that met the other at work is cleared
        if not press.go():
            assert isinstance(press.stopped, NotProvenBack), press.stopped
            story.cloud.script = {}
            story.cloud.sleep(600.0)
            assert press.go(), press.stopped
        # Then each region was swapped once
        assert story.production == [OLD] * regions
        assert story.swapped() == list(reversed(REGIONS[:regions]))


@pytest.mark.parametrize("acts", range(1, 12))
def test_a_look_that_died_after_it_locked_leaves_no_lock_when_it_is_refused(acts: int) -> None:
    # Given a release that begins as the look does, and a worker of the look that dies
    with released(1) as story:
        begins(story, story.release("CHG-2", LATER))
        story.play({1: "rival 1", 1 + acts: "kill"})
        # When the look is tried again / Then it is refused, and the service is not locked
        press = story.press()
        assert not press.go()
        assert "CHG-2 is running" in str(press.stopped)
        assert story.ledger.lock() is None


@settings(common, max_examples=80)
@given(
    regions=st.integers(1, 2),
    script=st.dictionaries(ACTS, words, max_size=2),
    act=ACTS,
    where=st.sampled_from(REGIONS[:2]),
    held=staged,
)
def test_a_person_in_the_portal_leads_to_the_old_build_or_to_a_loud_stop(
    regions: int, script: dict[int, str], act: int, where: str, held: str
) -> None:
    # Given somebody who swaps by hand while the worker is dead
    with released(regions, held, 20.0) as story:
        story.play({**script, act: f"portal {where if regions > 1 else REGIONS[0]}"})
        press = story.press()
        back = press.go()
    # Then each region that is said to be back serves the old build, or was changed by hand after that
    hands = [name for who, what, name in story.cloud.journal if who == "somebody"]
    record = story.ledger.release("CHG-1")
    assert record is not None
    for region, build in zip(record.regions, story.production, strict=True):
        if region.phase is Phase.ROLLED_BACK and region.name not in hands:
            assert build == OLD
    # And a stop says where and why
    if not back:
        told = [region.failure for region in record.regions if region.phase is Phase.STUCK]
        assert told or isinstance(press.stopped, Refused), press.stopped


@settings(common, max_examples=60)
@given(script=st.dictionaries(ACTS, words, max_size=4), first=st.integers(1, 130), held=staged)
def test_a_second_press_goes_on_where_the_first_stopped(
    script: dict[int, str], first: int, held: str
) -> None:
    # Given a rollback that stands still at some act, as when its run is marked as failed
    with released(2, held) as story:
        one = story.press("back-1")
        story.cloud.leash = story.cloud.acts + first
        with suppress(Killed):
            one.go()
        story.cloud.leash = None
        story.play(script)
        # When it is pressed again
        two = story.press("back-2")
        back = two.go()
        # Then all is back once, and there is nothing left to press for
        assert back or "CHG-1 is rolled back already" in str(two.stopped), two.stopped
        assert story.production == [OLD, OLD]
        assert story.swapped() == [REGIONS[1], REGIONS[0]]
        three = story.press("back-3")
        assert not three.go() and three.refused


@settings(common, max_examples=60)
@given(script=st.dictionaries(ACTS, words, max_size=4))
def test_what_the_policy_has_brought_back_is_left_alone(script: dict[int, str]) -> None:
    # Given a release that brought region two back by itself
    with released(2) as story:
        region = story.ledger.region("CHG-1", REGIONS[1])
        story.cloud.worker = "back-0"
        back = partial(roll_back, story.release("CHG-1", NEW).run, REGIONS[1], SlotPlace)
        tried(story.cloud, 1.0, lambda patience: back(patience=patience))
        assert story.ledger.region("CHG-1", REGIONS[1]).phase is Phase.ROLLED_BACK
        assert region.phase is Phase.ACCEPTED
        story.cloud.journal.clear()
        story.play(script)
        # When the rest is undone / Then only region one is touched
        press = story.press()
        assert press.go(), press.stopped
        assert story.production == [OLD, OLD]
        assert story.swapped() == [REGIONS[0]]
        assert story.outcome() is Outcome.ROLLED_BACK


def test_a_build_that_is_staged_meanwhile_does_not_hide_that_the_old_one_is_back() -> None:
    # Given a worker that dies while it swaps back, and a pipeline that stages the next build meanwhile
    with released(1) as story:
        story.cloud.leash = story.cloud.acts + 45
        press = story.press()
        with suppress(Killed):
            press.go()
        story.cloud.leash = None
        story.cloud.sleep(60.0)
        assert story.production == [OLD]
        story.cloud.apps[REGIONS[0]].content[1] = LATER
        assert story.ledger.region("CHG-1", REGIONS[0]).phase is Phase.ROLLING_BACK
        # When the step is tried again / Then the region is back, proved, and nothing is swapped again
        assert press.go(), press.stopped
        assert (story.production, story.outcome()) == ([OLD], Outcome.ROLLED_BACK)
        assert len(story.swapped()) == 1


def test_after_the_last_release_the_one_before_it_can_be_undone() -> None:
    # Given two releases, of which the later is rolled back
    with released(2, LATER) as story:
        later = story.release("CHG-2", LATER)
        assert later.go(), later.stopped
        story.cloud.going_back = set()
        assert story.press("back-2").go()
        assert story.production == [NEW, NEW]
        story.ledger.unlock(by="ann", reason="on to the one before", run="u")
        story.cloud.journal.clear()
        # When the earlier is named
        press = story.press("back-1")
        assert press.go(release="CHG-1"), press.stopped
        # Then it is undone as well
        assert story.production == [OLD, OLD]
        assert story.swapped() == [REGIONS[1], REGIONS[0]]
