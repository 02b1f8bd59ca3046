"""The rivals release a farm of the sandbox, and say what it came to in one line.

Ansible is no dependency: its tests run where ``ansible-playbook`` is on the PATH or ``AIRLOCK_ANSIBLE``
names it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from include.local.rivals import ansible, article
from include.local.rivals.farm import Farm
from include.local.rivals.outcome import Outcome
from tests.integration.aws_load.conftest import SPEED
from tests.integration.aws_load.releases import HEALTHY, drain_for, standings, wait_until
from tests.integration.aws_load.running_load import FARM, NEW, OLD, REGION, SERVICE
from tests.sandbox_client import SandboxClient

pytestmark = pytest.mark.timeout(180)
SLEEP_S = article.SLEEP_S / SPEED

needs_ansible = pytest.mark.skipif(
    ansible.program() is None, reason="no Ansible: put ansible-playbook on the PATH or name AIRLOCK_ANSIBLE"
)


def builds(sandbox: SandboxClient, farm: Farm) -> list[str]:
    """The build on each machine of the farm."""
    machines = sandbox.aws_state("machines")
    return [machines[instance]["build"] for instance in farm.instances]


def all_serve(farm: Farm) -> bool:
    """Whether every machine is healthy in every group."""
    return all(set(standings(farm, one).values()) == {HEALTHY} for one in farm.instances)


def test_the_articles_pipeline_releases_the_farm(sandbox: SandboxClient, farm: Farm) -> None:
    """Given a farm, when the article's pipeline runs, then both machines have the build after ten tasks."""
    outcome = article.release(farm, NEW, sleep_s=SLEEP_S, poll_s=0.1)

    assert (outcome.ok, outcome.steps) == (True, 2 * article.STEPS_PER_MACHINE)
    assert outcome.wall_s > 4 * SLEEP_S
    assert builds(sandbox, farm) == [NEW, NEW]
    wait_until(lambda: all_serve(farm))


def test_a_failed_deploy_stops_the_pipeline(sandbox: SandboxClient, farm: Farm) -> None:
    """Given a deploy that fails, when the pipeline runs, then it stops there, with the machine left out."""
    sandbox.fault("deploy_fails")

    outcome = article.release(farm, NEW, sleep_s=0.0, poll_s=0.1)

    assert (outcome.ok, outcome.steps) == (False, 3)
    assert farm.instances[0] in outcome.detail
    assert HEALTHY not in standings(farm, farm.instances[0]).values()


def test_the_command_prints_one_line(sandbox: SandboxClient, farm: Farm, tmp_path: Path) -> None:
    """Given an endpoints file, when the command releases the farm, then it prints one line of JSON."""
    file = tmp_path / "endpoints.json"
    file.write_text(json.dumps(sandbox.endpoints), encoding="utf-8")
    where = ["--endpoints", str(file), "--service", SERVICE, "--region", REGION, "--farm", FARM]

    ran = subprocess.run(
        [sys.executable, "-m", "include.local.rivals", "article", *where, "--build", NEW, "--speed", "600"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    (line,) = ran.stdout.splitlines()
    assert Outcome(**json.loads(line)).ok
    assert builds(sandbox, farm) == [NEW, NEW]


def test_no_machine_is_refused() -> None:
    """Given neither an endpoints file nor machines, when the command is run, then it says what it needs."""
    ran = subprocess.run(
        [sys.executable, "-m", "include.local.rivals", "article", "--build", NEW],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 2
    assert "--instance" in ran.stderr


@needs_ansible
def test_ansible_releases_the_farm(sandbox: SandboxClient, farm: Farm) -> None:
    """Given a farm, when Ansible's rolling playbook runs, then both machines have the build and serve."""
    outcome = ansible.release(farm, NEW, poll_s=0.1)

    assert outcome.ok, outcome.detail
    assert builds(sandbox, farm) == [NEW, NEW]
    assert all_serve(farm)


@needs_ansible
def test_ansible_stops_at_a_failed_deploy(sandbox: SandboxClient, farm: Farm) -> None:
    """Given a deploy that fails, when the playbook runs, then it fails there and says why."""
    sandbox.fault("deploy_fails")

    outcome = ansible.release(farm, NEW, poll_s=0.1)

    assert not outcome.ok
    assert farm.instances[0] in outcome.detail
    assert builds(sandbox, farm)[1] == OLD


@needs_ansible
def test_ansible_that_waits_for_draining_loses_the_farm(sandbox: SandboxClient, farm: Farm) -> None:
    """Given a playbook that takes a draining target for a drained one, when it runs, then it calls itself
    done with no target left: its module does not register a target that is still draining.
    """
    drain_for(farm, 1800)

    outcome = ansible.release(replace(farm, classic=()), NEW, drained="draining", poll_s=0.1)

    assert outcome.ok, outcome.detail
    assert all(standings(farm, one)[farm.target_groups[0]] != HEALTHY for one in farm.instances)
