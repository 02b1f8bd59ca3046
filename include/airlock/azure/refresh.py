"""Refreshing a stale staging slot: the latest build goes in, and its status page says so."""

from __future__ import annotations

import time
from dataclasses import replace

from include.airlock.azure.arm import Answer, error_of
from include.airlock.azure.look import RegionView
from include.airlock.errors import AirlockError, ConnectionMissing, Refused, Transient
from include.airlock.model.record import Phase, Watch
from include.airlock.model.service import Package
from include.airlock.model.streak import Wait
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later
from include.airlock.status.watch import watch


def refresh(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Deploy ``refresh_build`` (or the released build) to staging, and see it answer there.

    Staging holds the way back, so it waits until every asked region is accepted.

    Raises:
        Refused: a region of the release is not accepted.
        Locked: another release of the service is in doubt, or was rolled back.
        NotHealthy, NotProven: staging does not answer with that build.
    """
    for other in run.record().regions:
        if other.phase not in (Phase.ACCEPTED, Phase.NOT_ASKED):
            raise Refused(f"{other.name} is not accepted; staging keeps the way back")
    if run.train is not None:
        run.train.all_accepted()
    run.not_locked()  # another release in doubt has its way back in staging
    run.not_overtaken(name)
    build = run.request.refresh_build or run.request.build
    try:
        with RegionView.of(run.service, name) as view:
            later = put(view, run, name, build, patience)
    except Transient:
        raise  # it is tried again: nothing to tell yet
    except AirlockError as fault:
        _remember(run, name, f"could not be refreshed to {build}: {fault}")
        raise
    if later is None:
        _remember(run, name, f"refreshed to {build}")
    return later


def _remember(run: ReleaseRun, name: str, text: str) -> None:
    region = run.region(name)
    region.refresh = text
    run.save(region, f"staging {text}")


def put(view: RegionView, run: ReleaseRun, name: str, build: str, patience: float) -> Later | None:
    """Get ``build`` into staging. Look, deploy, look: the status page decides, not the deployment's own word.

    Raises:
        Refused: the spec says no way to deploy to staging.
        NotHealthy, NotProven: staging does not answer with that build in time.
        Denied, NotFound, Rejected: the deploy was not taken.
    """
    if view.service.refresh is None:
        raise Refused("the spec says no way to deploy to staging (refresh)")
    url = view.url(view.site.staging(), production=False)
    region = run.region(name)
    if region.refreshing != build:
        if view.reading(url).build != build:
            answer = _deploy(view, build)
            if answer.status >= 400:
                raise error_of(answer, f"refresh staging of {name}")
        region.refreshing, region.watch = build, Watch(since=time.time())
        run.save(region)
    how = view.service.refresh
    assert how is not None
    policy = replace(view.service.status_page.policy(), deadline_s=how.deadline.total_seconds())
    region.watch = region.watch or Watch(since=time.time())
    watched = watch(lambda: view.reading(url), build, policy, proof=region.watch, patience=patience)
    if isinstance(watched.decision, Wait):
        run.save(region)
        return Later(watched.decision.seconds)
    watched.or_raise()
    return None


def _deploy(view: RegionView, build: str) -> Answer:
    """Asking twice is harmless: the same package or image again gives the same content."""
    how = view.service.refresh
    assert how is not None
    if how.container is not None:
        return view.site.set_container(how.container.reference(build))
    assert how.package is not None
    return view.site.deploy_package(package_url(how.package, build), how.package.type)


def package_url(package: Package, build: str) -> str:
    """The address of a build's package; a secret (a SAS query) comes from the connection alone.

    Raises:
        ConnectionMissing: the package's connection is absent or names no address.
    """
    if package.connection is None:
        return package.address(build)
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    try:
        connection = BaseHook.get_connection(package.connection)
    except AirflowException as fault:
        raise ConnectionMissing(f"there is no connection '{package.connection}' for packages") from fault
    if package.url is None and (not connection.host or "://" not in connection.host):
        raise ConnectionMissing(f"connection '{package.connection}': host must be the packages' base address")
    query = f"?{connection.password.lstrip('?')}" if connection.password else ""
    return package.address(build, connection.host) + query
