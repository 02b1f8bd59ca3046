"""Airflow's REST API as the command line uses it: a real server on loopback, written after Airflow's OpenAPI.

What it answers is checked against that description by ``test_stand_in.py``.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

Json = dict[str, Any]
BEGAN = datetime(2026, 11, 3, 20, 0, tzinfo=UTC)
USER, PASSWORD = "ada", "correct horse"


def at(seconds: float) -> str:
    """A moment, so many seconds after the story's beginning, as Airflow writes it."""
    return (BEGAN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def step(task_id: str, state: str | None, start: float | None = None, end: float | None = None) -> Json:
    """One step's latest try."""
    return {
        "id": "0199a4f0-0000-7000-8000-000000000000",
        "task_id": task_id,
        "state": state,
        "start_date": None if start is None else at(start),
        "end_date": None if end is None else at(end),
        "duration": None if start is None or end is None else end - start,
        "try_number": 0 if start is None else 1,
        "dag_id": "release_payments",
        "dag_run_id": "CHG-1",
        "dag_display_name": "release_payments",
        "task_display_name": task_id,
        "map_index": -1,
        "max_tries": 3,
        "run_after": at(0),
        "logical_date": None,
        "hostname": None,
        "unixname": None,
        "pool": "default_pool",
        "pool_slots": 1,
        "queue": "default",
        "priority_weight": 10,
        "operator": "ChangeOperator",
        "operator_name": "ChangeOperator",
        "queued_when": None,
        "scheduled_when": None,
        "pid": None,
        "executor": None,
        "executor_config": "{}",
        "note": None,
        "rendered_map_index": None,
        "rendered_fields": {},
        "trigger": None,
        "triggerer_job": None,
        "dag_version": None,
    }


def lane(place: str, *states: str | None, start: float = 0.0, each: float = 10.0) -> list[Json]:
    """A lane's steps check, swap, verify, bake and roll_back with these states, ten seconds each."""
    verbs = ("check", "swap", "verify", "bake", "roll_back")
    steps = []
    for index, (verb, state) in enumerate(zip(verbs, states, strict=True)):
        begun = state in ("running", "deferred", "awaiting_input", "success", "failed")
        over = state in ("success", "failed")
        begin = start + index * each
        steps.append(step(f"{place}.{verb}", state, begin if begun else None, begin + each if over else None))
    return steps


def question(
    task_id: str, options: Sequence[str], *, run_id: str = "CHG-1", users: Sequence[str] = ()
) -> Json:
    """A question of a step to people, not answered yet."""
    return {
        "task_instance": step(task_id, "awaiting_input", 1) | {"dag_run_id": run_id},
        "options": list(options),
        "subject": f"{task_id} asks",
        "body": "- **Approve**: payments\\_eu begins\n\n- **Reject**: nothing is touched",
        "defaults": None,
        "multiple": False,
        "params": {"why": {"value": "", "description": "Why", "schema": {"type": "string"}}},
        "assigned_users": [{"id": each, "name": each} for each in users],
        "created_at": at(5),
        "responded_by_user": None,
        "responded_at": None,
        "chosen_options": None,
        "params_input": {},
        "response_received": False,
    }


DONE = ("success", "success", "success", "success", "skipped")
WAITING = (None, None, None, None, None)


@dataclass
class Story:
    """A run as it goes on: each look at the run turns a page; the last one stays."""

    run_id: str
    conf: Json
    pages: Sequence[tuple[str, list[Json]]] = (("queued", []),)
    verdict: Json | None = None
    last_words: str | None = None
    log: Sequence[str] = ()
    returned: Any = None
    plan: Any = None
    questions: list[Json] = field(default_factory=list)
    run_after: str = at(0)
    by: str | None = USER
    start: float = 0.0
    looks: int = 0

    @property
    def page(self) -> tuple[str, list[Json]]:
        """The open page."""
        return self.pages[min(self.looks, len(self.pages) - 1)]


@dataclass
class StandIn:
    """The server's state, and what it was asked; what ``trouble`` returns is answered in its stead."""

    dags: dict[str, Json] = field(default_factory=dict)
    stories: dict[str, list[Story]] = field(default_factory=dict)
    next_story: Callable[[Json], Story] | None = None
    trouble: Callable[[web.Request], web.StreamResponse | None] = lambda _request: None
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: int = 0
    asks_again: bool = False
    url: str = ""

    def posted(self) -> list[Json]:
        """The bodies of the requests that asked for a run."""
        return [body for method, path, body in self.asked if method == "POST" and path.endswith("/dagRuns")]

    def add_dag(self, dag_id: str, params: Mapping[str, Json], *, paused: bool = False) -> None:
        """Let there be a DAG with these params, by name: their JSON Schemas."""
        self.dags[dag_id] = dag_details(dag_id, params, paused=paused)
        self.stories.setdefault(dag_id, [])

    def add_run(self, dag_id: str, story: Story) -> None:
        """Let there be a run."""
        self.stories[dag_id].append(story)

    def story(self, request: web.Request) -> Story:
        """The run that a request names; raises 404."""
        dag_id, run_id = request.match_info["dag"], request.match_info["run"]
        for story in self.stories.get(dag_id, []):
            if story.run_id == run_id:
                return story
        raise refused(404, f"The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found")


def refused(status: int, detail: Any) -> web.HTTPException:
    """An error as Airflow answers it."""
    kinds: dict[int, type[web.HTTPException]] = {
        400: web.HTTPBadRequest,
        401: web.HTTPUnauthorized,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        409: web.HTTPConflict,
        422: web.HTTPUnprocessableEntity,
    }
    import json

    return kinds[status](text=json.dumps({"detail": detail}), content_type="application/json")


def dag_run(dag_id: str, story: Story) -> Json:
    """A run as Airflow describes it."""
    state, _ = story.page
    return {
        "dag_run_id": story.run_id,
        "dag_id": dag_id,
        "dag_display_name": dag_id,
        "logical_date": None,
        "queued_at": story.run_after,
        "start_date": None if state == "queued" else at(story.start),
        "end_date": at(story.start + 120) if state in ("success", "failed") else None,
        "duration": 120.0 if state in ("success", "failed") else None,
        "data_interval_start": None,
        "data_interval_end": None,
        "run_after": story.run_after,
        "last_scheduling_decision": None,
        "run_type": "manual",
        "state": state,
        "triggered_by": "rest_api",
        "triggering_user_name": story.by,
        "conf": story.conf,
        "note": None,
        "dag_versions": [],
        "bundle_version": None,
        "partition_key": None,
        "partition_date": None,
    }


def dag_details(dag_id: str, params: Mapping[str, Json], *, paused: bool) -> Json:
    """A DAG's details: those that matter, and the rest of what the description demands."""
    return {
        "dag_id": dag_id,
        "dag_display_name": dag_id,
        "is_paused": paused,
        "params": {
            name: {"value": None, "schema": schema, "description": None, "source": "dag"}
            for name, schema in params.items()
        },
    }


def application(state: StandIn) -> web.Application:  # noqa: C901, PLR0915 - a list of routes
    """The server."""
    routes = web.RouteTableDef()

    @routes.post("/auth/token")
    async def token(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body != {"username": USER, "password": PASSWORD}:
            raise refused(401, "Invalid credentials")
        state.tokens += 1
        return web.json_response({"access_token": f"token-{state.tokens}"}, status=201)

    @routes.get("/api/v2/dags")
    async def dags(request: web.Request) -> web.StreamResponse:
        prefix = request.query.get("dag_id_prefix_pattern", "")
        found = [each for dag_id, each in state.dags.items() if dag_id.startswith(prefix)]
        return web.json_response({"dags": found, "total_entries": len(found)})

    @routes.get("/api/v2/dags/{dag}/details")
    async def details(request: web.Request) -> web.StreamResponse:
        dag_id = request.match_info["dag"]
        if dag_id not in state.dags:
            raise refused(404, f"Dag with id {dag_id} was not found")
        return web.json_response(state.dags[dag_id])

    @routes.post("/api/v2/dags/{dag}/dagRuns")
    async def trigger(request: web.Request) -> web.StreamResponse:
        dag_id, body = request.match_info["dag"], await request.json()
        if dag_id not in state.dags:
            raise refused(404, f"Dag with dag_id: '{dag_id}' not found")
        if any(body.get("dag_run_id") == each.run_id for each in state.stories[dag_id]):
            raise refused(409, {"reason": "Unique constraint violation", "statement": "hidden"})
        make = state.next_story or (lambda asked: Story(asked.get("dag_run_id") or "manual", asked["conf"]))
        story = make(body)
        story.run_id = body.get("dag_run_id") or story.run_id
        story.run_after = body.get("run_after") or story.run_after
        state.add_run(dag_id, story)
        return web.json_response(dag_run(dag_id, story))

    @routes.get("/api/v2/dags/{dag}/dagRuns")
    async def runs(request: web.Request) -> web.StreamResponse:
        dag_id = request.match_info["dag"]
        if dag_id not in state.dags:
            raise refused(404, f"Dag with id {dag_id} was not found")
        assert request.query.getall("order_by") == ["-run_after"]
        wanted = request.query.getall("state", [])
        found = [s for s in reversed(state.stories[dag_id]) if not wanted or s.page[0] in wanted]
        found = found[: int(request.query["limit"])]
        answer = {"dag_runs": [dag_run(dag_id, each) for each in found], "total_entries": len(found)}
        return web.json_response(answer)

    @routes.get("/api/v2/dags/{dag}/dagRuns/{run}")
    async def run(request: web.Request) -> web.StreamResponse:
        story = state.story(request)
        answer = dag_run(request.match_info["dag"], story)
        story.looks += 1
        return web.json_response(answer)

    @routes.get("/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")
    async def tasks(request: web.Request) -> web.StreamResponse:
        story = state.story(request)
        # The page that the look at the run has just shown.
        shown = story.pages[min(max(story.looks - 1, 0), len(story.pages) - 1)][1]
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        answer = {"task_instances": shown[offset : offset + limit], "total_entries": len(shown)}
        return web.json_response(answer)

    @routes.get("/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}")
    async def xcom(request: web.Request) -> web.StreamResponse:
        story = state.story(request)
        left = {"verdict": story.verdict, "plan": story.plan, "return_value": story.returned}
        value = left[request.match_info["key"]]
        if value is None:
            raise refused(404, "XCom entry not found")
        return web.json_response(xcom_entry(request.match_info, value))

    @routes.get("/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{try_number}")
    async def log(request: web.Request) -> web.StreamResponse:
        story = state.story(request)
        said = story.last_words
        content: list[Json] = [{"event": "Task failed"}, *({"event": each} for each in story.log)]
        if said:
            content[0]["error_detail"] = [{"exc_type": "RequestError", "exc_value": said, "frames": []}]
        return web.json_response({"content": content, "continuation_token": None})

    @routes.get("/api/v2/dags/{dag}/dagRuns/{run}/hitlDetails")
    async def questions(request: web.Request) -> web.StreamResponse:
        assert request.query.getall("state") == ["awaiting_input"]
        assert request.query["response_received"] in ("False", "false")
        dag_id, run_id = request.match_info["dag"], request.match_info["run"]
        found = [
            each | {"task_instance": each["task_instance"] | {"dag_id": dag}}
            for dag, stories in state.stories.items()
            for story in stories
            for each in story.questions
            if dag_id in ("~", dag) and run_id in ("~", story.run_id) and not each["response_received"]
        ]
        return web.json_response({"hitl_details": found, "total_entries": len(found)})

    @routes.patch("/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/{index}/hitlDetails")
    async def answer(request: web.Request) -> web.StreamResponse:
        story, body = state.story(request), await request.json()
        asked = [e for e in story.questions if e["task_instance"]["task_id"] == request.match_info["task"]]
        if not asked:
            raise refused(404, "Human-in-the-loop detail does not exist")
        if asked[0]["response_received"]:
            raise refused(409, "Human-in-the-loop detail has already been updated")
        if asked[0]["assigned_users"] and USER not in [e["id"] for e in asked[0]["assigned_users"]]:
            raise refused(403, f"User={USER} (id={USER}) is not a respondent for the task.")
        asked[0]["response_received"] = not state.asks_again
        story.looks = max(story.looks, 1) + 1
        given = {"responded_by": {"id": USER, "name": USER}, "responded_at": at(9)}
        return web.json_response(given | body)

    app = web.Application(middlewares=[_guard(state)])
    app.add_routes(routes)
    return app


def xcom_entry(where: Mapping[str, str], value: Any) -> Json:
    """What a step left, as Airflow describes it."""
    return {
        "key": where["key"],
        "timestamp": at(120),
        "logical_date": None,
        "map_index": -1,
        "task_id": where["task"],
        "dag_id": where["dag"],
        "run_id": where["run"],
        "dag_display_name": where["dag"],
        "task_display_name": where["task"],
        "run_after": at(0),
        "value": value,
    }


def _guard(state: StandIn) -> Any:
    """Keep what was asked; make the trouble that a test wants; let only a valid token in."""

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        state.asked.append((request.method, request.path, body))
        made = state.trouble(request)
        if made is not None:
            return made
        if request.path != "/auth/token":
            valid = {"Bearer a-token", f"Bearer token-{state.tokens}"}
            if request.headers.get("Authorization") not in valid:
                raise refused(403, "Invalid JWT token")
        answer: web.StreamResponse = await handler(request)
        return answer

    return guard


@contextmanager
def serving(state: StandIn, tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    """Run the server in a thread, on a free port of loopback; with ``tls`` by https."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application(state))

    async def start() -> str:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http{'s' if tls else ''}://{host}:{port}"

    state.url = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield state
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
