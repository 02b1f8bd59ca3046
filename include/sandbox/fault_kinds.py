"""Every fault the sandbox can play: its name, one sentence and its parameters. One table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Surface = Literal[
    "swap", "arm", "arm, aws", "deploy", "status", "slack", "webhook", "aws", "machine", "group", "command"
]


@dataclass(frozen=True)
class FaultKind:
    """A fault by name: where it plays, what it does, its parameters with their defaults."""

    surface: Surface
    sentence: str
    params: Mapping[str, Any] = field(default_factory=dict)


_WHEN = {"when": "result"}

FAULTS: Mapping[str, FaultKind] = {
    # --- a swap: `operation` is "swap"; where.slot is the slot in the address (the source)
    "warm_up_never_succeeds": FaultKind(
        "swap",
        "The source's instances never answer the warm-up request: after `seconds` the swap is reverted "
        "and its result is 417; with `seconds` null it stays 202 until a reset.",
        {"seconds": 3.0},
    ),
    "swap_503_after_done": FaultKind(
        "swap",
        "The swap is done all the same, but its POST answers `status`: once the swap has ended "
        '(`when` "ended") or as soon as it has started ("started"); with `retry_after` seconds, if given.',
        {"status": 503, "when": "ended", "retry_after": None},
    ),
    "swap_never_ends": FaultKind(
        "swap",
        "The operation stays 202: its end never comes. The routing switches first, unless `switched` is "
        "false. It ends after `seconds`, if given.",
        {"switched": True, "seconds": None},
    ),
    "swap_succeeds_without_swapping": FaultKind(
        "swap",
        "202, then 200 with the source slot's JSON, but nothing was swapped; with `claimed` true "
        "slotSwapStatus says that it was.",
        {"claimed": False},
    ),
    "swap_conflict": FaultKind(
        "swap",
        "Somebody else (`by`) starts the very same swap at that moment: it runs to its end, and the request "
        "answers 409 because of it.",
        {"by": "someone"},
    ),
    "someone_swaps_back": FaultKind(
        "swap",
        "`delay` seconds after the swap has ended somebody else (`by`) swaps the two slots once more.",
        {"delay": 0.5, "by": "someone"},
    ),
    "conflict_only": FaultKind("swap", "409 with the text of a running swap, while none runs."),
    "prepared_for_swap": FaultKind(
        "swap", "409: the slot has already been prepared for swap by a stale preview."
    ),
    "deployment_in_progress": FaultKind("swap", "409: a deployment is currently in progress."),
    "swap_ping_failed": FaultKind(
        "swap",
        "The swap is reverted, 417: the slot did not respond to http ping; as the operation's result, or at "
        'once with `when` "request".',
        _WHEN,
    ),
    "instances_changed": FaultKind(
        "swap",
        "The swap is reverted, 400: the allocation of VM instances has changed; as the operation's result, "
        'or at once with `when` "request".',
        _WHEN,
    ),
    "worker_not_started": FaultKind(
        "swap",
        "The swap is reverted, 400: the worker process could not be started; as the operation's result, or "
        'at once with `when` "request".',
        _WHEN,
    ),
    "unavailable_after_swap": FaultKind(
        "swap",
        "After the routing has switched, the target's host answers 503 for `seconds`, though the swap "
        "succeeds.",
        {"seconds": 3.0},
    ),
    # --- any call of the resource manager; where.operation picks which
    "reply_lost": FaultKind(
        "arm", "The request is carried out, then the connection is closed without an answer."
    ),
    "connection_dropped": FaultKind("arm, aws", "The connection is closed before anything is carried out."),
    "throttled": FaultKind(
        "arm, aws",
        "429 with Retry-After `retry_after` seconds, or AWS's throttling error; nothing is done.",
        {"retry_after": 1},
    ),
    "server_error": FaultKind(
        "arm, aws",
        "`status` (500, 502, 503 or 504), nothing is done; with Retry-After `retry_after` seconds, if given.",
        {"status": 503, "retry_after": None},
    ),
    "slow_answer": FaultKind(
        "arm, aws", "The request is carried out, the answer comes `delay` seconds late.", {"delay": 5.0}
    ),
    "request_held": FaultKind(
        "arm",
        "The request is carried out `delay` seconds late, and not at all when its client has gone by then.",
        {"delay": 5.0},
    ),
    "slot_difference": FaultKind(
        "arm", "slotsdiffs lists one more difference, of `level`.", {"level": "Error", "setting": "platform"}
    ),
    "operation_gone": FaultKind("arm", "404 for the operation's result: it has expired."),
    "token_expired": FaultKind("arm", "401 ExpiredAuthenticationToken, whatever the token."),
    "forbidden": FaultKind("arm", "403 AuthorizationFailed, whatever the caller's rights."),
    # --- deploying
    "one_deploy_fails": FaultKind("deploy", "The deployment ends as failed; the slot keeps its content."),
    "one_deploy_lies": FaultKind("deploy", "The deployment reports success; the slot keeps its content."),
    # --- the status page of whatever instance is routed at where.slot when the request comes
    "status_wrong_build": FaultKind(
        "status", "The status page names `build`, not its own.", {"build": "0.0.0"}
    ),
    "status_dependency_down": FaultKind(
        "status",
        "`dependency` (the first one if null) is told as not connected.",
        {"dependency": None},
    ),
    "status_flapping": FaultKind(
        "status",
        "Every `every`-th answer tells a dependency as not connected, the others are good.",
        {"every": 2},
    ),
    "status_starting": FaultKind("status", 'The status page says "starting" for ever.'),
    "status_slow": FaultKind("status", "The status page answers after `delay` seconds.", {"delay": 30.0}),
    "status_drip": FaultKind(
        "status", "The status page comes byte by byte, one every `delay` seconds.", {"delay": 0.5}
    ),
    "status_huge": FaultKind("status", "The status page is `megabytes` MB long.", {"megabytes": 64}),
    "status_not_json": FaultKind("status", "200, but the body is no JSON (a sign-in page)."),
    "status_redirect": FaultKind(
        "status", "302 to `location`.", {"location": "https://elsewhere.invalid/status"}
    ),
    "status_error": FaultKind("status", "The status page answers `status`.", {"status": 500}),
    "status_dropped": FaultKind("status", "The connection is closed without an answer."),
    "status_empty_dependencies": FaultKind("status", "The list of dependencies is empty."),
    "status_missing_build": FaultKind("status", "The status page has no build."),
    # --- any call of AWS; where.operation is like "elasticloadbalancing:DeregisterTargets"
    "access_denied": FaultKind("aws", "The error of a missing permission, which names the action."),
    "lost_reply": FaultKind("aws", "The request is carried out, then the connection is cut."),
    # --- a machine; where.machine is its instance id
    "machine_sick": FaultKind(
        "machine", "Its home and health pages answer 500, and it has lost its database."
    ),
    "machine_silent": FaultKind("machine", "It takes requests and never answers them."),
    "machine_dies": FaultKind(
        "machine",
        'It is lost: `when` "now", or as soon as it is "detached", in no load balancer or only draining. '
        '`power` is EC2\'s word for its state then: "stopped" or "terminated".',
        {"when": "now", "power": "stopped"},
    ),
    "slow_warm_up": FaultKind(
        "machine",
        "The next application that is started answers 503 for `seconds` (at speed 1) more.",
        {"seconds": 120.0},
    ),
    # --- a machine in a group; where.group is the name of the target group or classic load balancer
    "target_never_healthy": FaultKind("group", "Health checks of what is not healthy yet never succeed."),
    "target_flapping": FaultKind("group", "It falls back to unhealthy soon after it was healthy, and so on."),
    "drains_for_ever": FaultKind("group", "Its draining never ends."),
    # --- Run Command on a machine
    "deploy_fails": FaultKind(
        "command",
        'The deploy ends with exit code 1: `when` "before", its old build runs on; "after_stop", '
        "nothing runs.",
        {"when": "before"},
    ),
    "command_never_ends": FaultKind(
        "command",
        "It stays InProgress: nothing is done, unless `runs` is true.",
        {"runs": False},
    ),
    "invocations_empty": FaultKind("command", "Its invocations can't be read: none exist."),
    # --- Slack and the webhook
    "slack_down": FaultKind(
        "slack", 'Slack answers 503, or closes the connection with `how` "closed".', {"how": "503"}
    ),
    "slack_slow": FaultKind("slack", "Slack acts, and answers after `delay` seconds.", {"delay": 10.0}),
    "slack_rate_limited": FaultKind(
        "slack", "429 with Retry-After `retry_after` seconds; nothing is done.", {"retry_after": 2}
    ),
    "slack_reply_lost": FaultKind("slack", "Slack acts, then closes the connection without an answer."),
    "webhook_down": FaultKind(
        "webhook", 'The receiver answers 503, or closes the connection with `how` "closed".', {"how": "503"}
    ),
}


def fault_table() -> str:
    """Return every fault as a Markdown table: name, where it plays, what it does, its parameters."""
    rows = ["| fault | plays on | what happens | parameters |", "|---|---|---|---|"]
    for name, kind in FAULTS.items():
        params = ", ".join(f"`{key}`: {json.dumps(value)}" for key, value in kind.params.items())
        rows.append(f"| `{name}` | {kind.surface} | {kind.sentence} | {params or '–'} |")
    return "\n".join(rows)
