"""An AWS on loopback whose answers are written by hand, to see what is sent and how often."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Answer:
    """One answer; ``cut`` hangs up without it, ``after_s`` lets the client wait."""

    status: int = 200
    body: str = ""
    cut: bool = False
    after_s: float = 0.0


def query_error(code: str, status: int, message: str = "as said") -> Answer:
    """An error of a service that speaks XML (load balancers, Auto Scaling, STS)."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>")


def json_error(code: str, status: int, message: str = "as said") -> Answer:
    """An error of a service that speaks JSON (Systems Manager)."""
    return Answer(status, json.dumps({"__type": code, "message": message}))


def query(operation: str, result: str) -> Answer:
    """A good answer of a service that speaks XML."""
    inner = f"<{operation}Result>{result}</{operation}Result>"
    return Answer(200, f"<{operation}Response>{inner}</{operation}Response>")


def command(result: object) -> Answer:
    """A good answer of a service that speaks JSON."""
    return Answer(200, json.dumps(result))


@dataclass
class Script:
    """The answers to give, the last one for ever; and what was asked."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def operations(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [asked["Action"] for asked in self.asked]


@contextmanager
def scripted() -> Iterator[Script]:
    """Serve a script until the end of the block."""
    script = Script()

    class Once(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target")
            if target:
                script.asked.append({"Action": target.partition(".")[2], "body": text})
            else:
                script.asked.append({key: values[0] for key, values in parse_qs(text).items()})
            answer = script.next()
            time.sleep(answer.after_s)
            if answer.cut:
                self.close_connection = True
                return
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Once)
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
