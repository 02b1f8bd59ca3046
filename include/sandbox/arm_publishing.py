"""The publish profile: where tools would upload content by other ways than the resource manager.

The Azure CLI reads it whenever it shows a site. Nothing listens at these addresses, and the
passwords that Azure writes into it are left out.
"""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from aiohttp import web

from include.sandbox.arm_call import Call, Handler


async def list_publish_profiles(call: Call) -> web.StreamResponse:
    """POST …/publishxml."""
    slot = call.slot
    app = call.site.name if slot.is_production else f"{call.site.name}-{slot.name}"
    profiles = (
        ("Web Deploy", "MSDeploy", f"{app}.scm.localhost:443"),
        ("FTP", "FTP", f"ftps://{app}.ftp.localhost/site/wwwroot"),
    )
    told = "".join(_profile(f"{app} - {name}", method, url, slot.host) for name, method, url in profiles)
    return web.Response(text=f"<publishData>{told}</publishData>", content_type="application/xml")


def _profile(name: str, method: str, url: str, host: str) -> str:
    held = {
        "profileName": name,
        "publishMethod": method,
        "publishUrl": url,
        "destinationAppUrl": f"https://{host}",
    }
    return f"<publishProfile {' '.join(f'{key}={quoteattr(value)}' for key, value in held.items())}/>"


PUBLISHING_ROUTES: dict[tuple[str, str], tuple[str, Handler]] = {
    ("POST", "/publishxml"): ("list_publish_profiles", list_publish_profiles),
}
