"""Routes on a real port of loopback, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiohttp import web


@contextmanager
def served(routes: Iterable[web.RouteDef], *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve ``routes`` and yield the server's address,
    e.g. ``http://127.0.0.1:41234``; stop it afterwards.
    """
    loop = asyncio.new_event_loop()
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(_start(runner, tls), loop).result(10)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _start(runner: web.AppRunner, tls: ssl.SSLContext | None) -> None:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
