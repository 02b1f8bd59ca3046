"""Passing one HTTP request on to a machine, and what a balancer answers when that fails."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from include.sandbox.aws.members import Flow, Member
from include.sandbox.front_door import HOP_BY_HOP

_NAMES = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


def refused(status: int) -> web.Response:
    """Return the balancer's own error page."""
    title = f"{status} {_NAMES[status]}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(status=status, text=page, content_type="text/html", headers={"Server": "awselb/2.0"})


class Passage:
    """One request through a balancer; ``idle`` is how long neither side may be silent, in seconds."""

    def __init__(
        self,
        request: web.Request,
        session: aiohttp.ClientSession,
        member: Member,
        idle: float,
        cookies: dict[str, str],
    ) -> None:
        self._request = request
        self._session = session
        self._member = member
        self._idle = idle
        self._cookies = cookies
        self._answer: web.StreamResponse | None = None

    async def make(self) -> web.StreamResponse:
        """Pass the request on and the answer back, unless it is cut on the way.

        A request that is cut before its answer began gets a 502, later its connection is closed.
        """
        work = asyncio.create_task(self._exchange())
        flow = Flow(work)
        with self._member.carrying(flow):
            try:
                return await work
            except asyncio.CancelledError:
                if not flow.was_cut:
                    work.cancel()
                    raise
            except TimeoutError:
                return self._broken(504)
            except (aiohttp.ClientError, OSError):
                pass
        return self._broken(502)

    def _broken(self, status: int) -> web.StreamResponse:
        if self._answer is None:
            return refused(status)
        if self._request.transport is not None:
            self._request.transport.abort()
        return self._answer

    async def _exchange(self) -> web.StreamResponse:
        request, member = self._request, self._member
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP
        )
        headers["Host"] = request.host
        headers["X-Forwarded-For"] = request.remote or ""
        headers["X-Forwarded-Proto"] = request.scheme
        async with self._session.request(
            request.method,
            URL(f"http://{member.address}:{member.port}{request.raw_path}", encoded=True),
            headers=headers,
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._idle, sock_read=self._idle),
        ) as inner:
            answer = web.StreamResponse(status=inner.status, headers=_kept(inner))
            for name, value in self._cookies.items():
                answer.set_cookie(name, value, path="/")
            await answer.prepare(request)
            self._answer = answer
            async for chunk in inner.content.iter_any():
                await answer.write(chunk)
            await answer.write_eof()
            return answer


def _kept(inner: aiohttp.ClientResponse) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (name, held) for name, held in inner.headers.items() if name.lower() not in HOP_BY_HOP
    )
    if "Content-Length" in inner.headers:
        headers["Content-Length"] = inner.headers["Content-Length"]
    return headers
