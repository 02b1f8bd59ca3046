"""Refreshing a stale staging slot: the latest build goes in, and its status page says so."""

from __future__ import annotations

import logging

from include.airlock.azure.arm import Answer, error_of
from include.airlock.azure.look import RegionView
from include.airlock.azure.watch import watch
from include.airlock.errors import AirlockError, ConnectionMissing, Refused, Transient
from include.airlock.model.record import Phase
from include.airlock.model.service import PackageRefresh
from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)


def refresh(run: ReleaseRun, name: str) -> str:
    """Deploy ``refresh_build`` (or the released build) to staging; answers the build that is there now.

    Staging holds the way back, so it waits until every asked region is accepted.

    Raises:
        Refused: a region of the release is not accepted.
        NotHealthy, NotProven: staging does not answer with that build.
    """
    for other in run.record().regions:
        if other.phase not in (Phase.ACCEPTED, Phase.NOT_ASKED):
            raise Refused(f"{other.name} is not accepted; staging keeps the way back")
    build = run.request.refresh_build or run.request.build
    try:
        with RegionView.of(run.service, name) as view:
            _put(view, build)
    except Transient:
        raise
    except AirlockError as fault:
        _remember(run, name, f"staging of {name} could not be refreshed to {build}: {fault}")
        raise
    _remember(run, name, f"staging of {name} is refreshed to {build}")
    return build


def _remember(run: ReleaseRun, name: str, text: str) -> None:
    region = run.region(name)
    region.refresh = text
    run.save(region, text)


def _put(view: RegionView, build: str) -> None:
    """Look, deploy, look: the status page decides, not the deployment's own word."""
    url = view.url(view.site.staging(), production=False)
    if view.reading(url).build == build:
        log.info("staging answers %s already", build)
    else:
        what = f"refresh staging of {view.region.name}"
        answer = _deploy(view, build)
        if answer.status >= 400:
            raise error_of(answer, what)
    watch(view, url, expected=build, other_builds_are_old=True).or_raise(f"staging of {view.region.name}")


def _deploy(view: RegionView, build: str) -> Answer:
    """Asking twice is harmless: the same package or image again gives the same content."""
    how = view.service.refresh
    assert how is not None
    if how.container is not None:
        return view.site.set_container(f"{how.container.image}:{build}")
    assert how.package is not None
    return view.site.deploy_package(package_url(how.package, build))


def package_url(package: PackageRefresh, build: str) -> str:
    """The address of a build's package; a secret (a SAS query) comes from the connection alone.

    Raises:
        ConnectionMissing: the package's connection is absent or names no address.
    """
    from urllib.parse import quote

    part = quote(build, safe="")
    if package.connection is None:
        assert package.url is not None
        return package.url.replace("{build}", part)
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    try:
        connection = BaseHook.get_connection(package.connection)
    except AirflowException as fault:
        raise ConnectionMissing(f"there is no connection '{package.connection}' for packages") from fault
    if not connection.host or "://" not in connection.host:
        raise ConnectionMissing(f"connection '{package.connection}': host must be the packages' base address")
    path = (package.path or "").replace("{build}", part).lstrip("/")
    query = f"?{connection.password.lstrip('?')}" if connection.password else ""
    return f"{connection.host.rstrip('/')}/{path}{query}"
