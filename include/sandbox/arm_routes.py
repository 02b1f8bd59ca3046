"""Which call a request is: the table of everything the resource manager serves."""

from __future__ import annotations

from include.sandbox import arm_sites
from include.sandbox.arm_call import Handler, Target
from include.sandbox.arm_deploys import DEPLOY_ROUTES
from include.sandbox.arm_differences import DIFFERENCE_ROUTES
from include.sandbox.arm_publishing import PUBLISHING_ROUTES
from include.sandbox.arm_settings import SETTINGS_ROUTES
from include.sandbox.arm_sites import SITE_ROUTES
from include.sandbox.arm_swaps import SWAP_ROUTES

_ROUTES = {
    **SITE_ROUTES,
    **SETTINGS_ROUTES,
    **SWAP_ROUTES,
    **DIFFERENCE_ROUTES,
    **DEPLOY_ROUTES,
    **PUBLISHING_ROUTES,
}


def found(method: str, target: Target) -> tuple[str, Handler, str]:
    """Return the operation's name, its handler, and the last segment of a path that ends in a name."""
    if target.site is None and target.rest != "sites":
        return _above(method, target)
    head, _, tail = target.rest.rpartition("/")
    exact = _ROUTES.get((method, target.rest))
    if exact is not None:
        name = "get_slot" if exact[0] == "get_site" and target.slot else exact[0]
        return name, exact[1], ""
    open_ended = _ROUTES.get((method, f"{head}/*"))
    return (*open_ended, tail) if open_ended else ("unknown", arm_sites.nothing_there, "")


def _above(method: str, target: Target) -> tuple[str, Handler, str]:
    parts = target.rest.strip("/").split("/")
    match [method, *parts]:
        case ["GET", "subscriptions"]:
            return "list_subscriptions", arm_sites.list_subscriptions, ""
        case ["GET", "tenants"]:
            return "list_tenants", arm_sites.list_tenants, ""
        case ["GET", "subscriptions", _]:
            return "get_subscription", arm_sites.get_subscription, ""
        case ["GET", "subscriptions", _, "resourcegroups"]:
            return "list_groups", arm_sites.list_groups, ""
        case ["GET", "subscriptions", _, "resourcegroups", name]:
            return "get_group", arm_sites.get_group, name
        case ["GET", "subscriptions", _, "providers", "microsoft.web", "sites"]:
            return "list_sites", arm_sites.list_sites, ""
    return "unknown", arm_sites.nothing_there, ""
