"""The sandbox's own door, for people and tests: state, faults, journal, reset, stage."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from include.sandbox.aws.side import AwsSide
from include.sandbox.closed_model import BUILD_PATTERN
from include.sandbox.faults import FAULTS, FaultRefused, Faults
from include.sandbox.journal import Journal
from include.sandbox.slots import Site, Slot
from include.sandbox.world import World


class Store(Protocol):
    """What Slack and the webhook's receiver keep."""

    def snapshot(self) -> Any:
        """Return what is kept, as JSON."""

    def reset(self) -> None:
        """Forget it."""


class Control:
    """Serves ``/sandbox/…``."""

    def __init__(
        self,
        world: Callable[[], World],
        aws: AwsSide,
        faults: Faults,
        journal: Journal,
        stores: Mapping[str, Store],
        reset: Callable[[], Awaitable[None]],
    ) -> None:
        self._world = world
        self._aws = aws
        self._faults = faults
        self._journal = journal
        self._stores = stores
        self._reset = reset

    def routes(self) -> list[web.RouteDef]:
        """Return every route of the door."""
        stores = [web.get(f"/sandbox/{name}", _shown(store)) for name, store in self._stores.items()]
        return [
            web.get("/sandbox/state", self.state),
            web.get("/sandbox/faults", self.list_faults),
            web.post("/sandbox/faults", self.add_fault),
            web.delete("/sandbox/faults", self.clear_faults),
            web.get("/sandbox/journal", self.journal),
            web.get("/sandbox/journal/counts", self.counts),
            web.post("/sandbox/reset", self.reset),
            web.post("/sandbox/stage", self.stage),
            *stores,
        ]

    async def state(self, _request: web.Request) -> web.Response:
        """GET /sandbox/state."""
        services: dict[str, dict[str, Any]] = {}
        for site in self._world().sites.values():
            services.setdefault(site.service, {})[site.region] = _site_state(site)
        return web.json_response({"services": services, "aws": self._aws.snapshot()})

    async def list_faults(self, request: web.Request) -> web.Response:
        """GET /sandbox/faults: what is set; with ``names=1`` what there is."""
        if request.query.get("names"):
            names = {
                name: {"plays_on": kind.surface, "sentence": kind.sentence, "params": dict(kind.params)}
                for name, kind in FAULTS.items()
            }
            return web.json_response({"names": names})
        return web.json_response({"faults": self._faults.listing()})

    async def add_fault(self, request: web.Request) -> web.Response:
        """POST /sandbox/faults."""
        try:
            fault = self._faults.add(await _object(request))
        except (FaultRefused, ValueError) as refused:
            return web.json_response({"error": str(refused)}, status=400)
        await self._aws.fault_set(fault)
        return web.json_response(fault.snapshot(), status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """DELETE /sandbox/faults: all, or the one with ``id``."""
        number = request.query.get("id")
        if number is not None and not number.isdigit():
            return web.json_response({"error": "id must be a number"}, status=400)
        return web.json_response({"cleared": self._faults.clear(int(number) if number else None)})

    async def journal(self, request: web.Request) -> web.Response:
        """GET /sandbox/journal."""
        since = request.query.get("since", "0")
        if not since.isdigit():
            return web.json_response({"error": "since must be a number"}, status=400)
        filters = {key: request.query.get(key) for key in ("service", "region", "operation", "event")}
        return web.json_response({"entries": self._journal.entries(since=int(since), **filters)})

    async def counts(self, _request: web.Request) -> web.Response:
        """GET /sandbox/journal/counts."""
        return web.json_response(self._journal.counts())

    async def reset(self, _request: web.Request) -> web.Response:
        """POST /sandbox/reset."""
        await self._reset()
        return web.json_response({"reset": True})

    async def stage(self, request: web.Request) -> web.Response:
        """POST /sandbox/stage: put a build into a slot, or onto a machine, at once."""
        try:
            asked = await _object(request)
            if "machine" in asked:
                return web.json_response(await self._stage_machine(asked))
            site, slot, build = self._named(asked)
        except ValueError as refused:
            return web.json_response({"error": str(refused)}, status=400)
        await self._world().put_content(site, slot, build, "staged", at_once=True)
        return web.json_response(
            {"service": site.service, "region": site.region, "slot": slot.name, "build": build}
        )

    async def _stage_machine(self, asked: dict[str, Any]) -> dict[str, str]:
        """Put a build onto an AWS machine. Raises ValueError."""
        _check_keys(asked, ("service", "machine", "build"))
        id_, build = str(asked["machine"]), str(asked.get("build", ""))
        machine = self._aws.machine(id_)
        if machine is None or asked.get("service", machine.service) != machine.service:
            raise ValueError(f"no machine {id_!r} of service {asked.get('service')!r}")
        if not BUILD_PATTERN.match(build):
            raise ValueError(f"{build!r} is no build")
        await machine.stage(build)
        return {"service": machine.service, "machine": machine.id, "build": build}

    def _named(self, asked: dict[str, Any]) -> tuple[Site, Slot, str]:
        valid = ("service", "region", "slot", "build")
        _check_keys(asked, valid)
        service, region, name, build = (str(asked.get(key, "")) for key in valid)
        site = self._world().find(service, region)
        if site is None:
            raise ValueError(f"no service {service!r} in region {region!r}")
        slot = site.slot(name or "staging")
        if slot is None:
            raise ValueError(f"no slot {name!r} of {service} in {region}")
        if not BUILD_PATTERN.match(build):
            raise ValueError(f"{build!r} is no build")
        return site, slot, build


def _check_keys(asked: Mapping[str, Any], valid: tuple[str, ...]) -> None:
    unknown = sorted(set(asked) - set(valid))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; valid: {', '.join(valid)}")


def _site_state(site: Site) -> dict[str, Any]:
    shown: dict[str, Any] = {name: _slot_state(slot) for name, slot in site.slots.items()}
    shown["operation"] = site.operation.snapshot() if site.operation else None
    return shown


def _slot_state(slot: Slot) -> dict[str, Any]:
    swapped = slot.swapped
    return {
        "build": slot.app.build,
        "state": slot.state,
        "running": all(instance.running for instance in slot.app.instances),
        "instances": [instance.port for instance in slot.app.instances],
        "in_flight": sum(instance.in_flight for instance in slot.app.instances),
        "deployment_id": slot.app.deployment_id,
        "settings": sorted(slot.settings),
        "host": slot.host,
        "prepared_for": slot.swap_target,
        "swap": swapped
        and {"at": swapped.at.timestamp(), "source": swapped.source, "target": swapped.destination},
    }


def _shown(store: Store) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def show(_request: web.Request) -> web.Response:
        return web.json_response(store.snapshot())

    return show


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.read() or b"{}")
    except ValueError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value
