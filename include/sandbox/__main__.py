"""``python -m include.sandbox``: a cloud on one machine, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from include.sandbox.cloud import Cloud
from include.sandbox.config import ConfigRefused, SandboxConfig, load_config
from include.sandbox.fault_kinds import fault_table


def main() -> int:
    """Run the sandbox in the foreground; 2 when it can't start as asked."""
    asked = _arguments()
    try:
        config = load_config(asked.config)
    except ConfigRefused as refused:
        print(f"sandbox: {refused}", file=sys.stderr)
        return 2
    if asked.print_config or asked.print_faults:
        print(config.model_dump_json(indent=2) if asked.print_config else fault_table())
        return 0
    try:
        asked.state_dir.mkdir(parents=True, exist_ok=True)
        asyncio.run(_run(config, asked.state_dir, asked.port_base))
    except OSError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m include.sandbox", description=__doc__)
    parser.add_argument(
        "--state-dir", type=Path, default=Path(".sandbox"), help="endpoints.json and ca.pem go here"
    )
    parser.add_argument("--config", type=Path, help="a JSON file over the defaults; see --print-config")
    parser.add_argument(
        "--port-base", type=int, help="first port of the doors; free ports are taken if omitted"
    )
    parser.add_argument("--print-config", action="store_true", help="print the whole configuration and stop")
    parser.add_argument("--print-faults", action="store_true", help="print every fault as a table and stop")
    return parser.parse_args()


async def _run(config: SandboxConfig, state_dir: Path, port_base: int | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cloud = Cloud(config, state_dir, port_base)
    try:
        await cloud.open()
        _print(cloud, state_dir)
        await stop.wait()
    finally:
        if cloud.endpoints:
            (state_dir / "endpoints.json").unlink(missing_ok=True)
        await cloud.close()


def _print(cloud: Cloud, state_dir: Path) -> None:
    known = cloud.endpoints
    for word in ("control", "arm", "authority", "slack", "webhook", "packages"):
        print(f"{word:10} {known[word]}")
    print(f"{'aws':10} {known['aws']['endpoint']}")
    for service, held in known["services"].items():
        for region, site in held["regions"].items():
            for name, addresses in _public(site):
                print(f"{service}/{region}{name}: {addresses}")
    print(f"ready: {state_dir / 'endpoints.json'}", flush=True)


def _public(site: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the public addresses of a region of either cloud, farm by farm."""
    if "production" in site:
        yield "", f"production {site['production']}  staging {site['staging']}"
    for farm, held in (site.get("farms") or {"": site}).items():
        if "public" in held:
            yield farm and f"/{farm}", "  ".join(f"{name} {url}" for name, url in held["public"].items())


if __name__ == "__main__":
    sys.exit(main())
