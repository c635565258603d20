"""moto on a free loopback port, inside this process, with a journal of every request.

moto runs here, not in a process of its own, so that its backends can be corrected (aws_like.py) and so that a test
can look at the requests themselves. This file knows nothing of `eipd`, and never
answers for moto except where a test orders a refusal.
"""

from __future__ import annotations

import io
import json
import re
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from moto.server import ThreadedMotoServer

import signature

LAMBDA_PATHS = [
    ("GET", r"/functions/?$", "ListFunctions"),
    ("GET", r"/functions/([^/]+)/configuration$", "GetFunctionConfiguration"),
    ("GET", r"/functions/([^/]+)/aliases$", "ListAliases"),
    ("GET", r"/functions/([^/]+)/versions$", "ListVersionsByFunction"),
    ("GET", r"/functions/([^/]+)$", "GetFunction"),
    ("GET", r"/tags/(.+)$", "ListTags"),
]
"""The part of Lambda's REST interface that gets names in the journal; anything else shows as method and path."""

KEY_ID, SECRET = "AKIDCONFORMANCE00000", "not-a-secret"
"""The credentials of this run."""

TESTER = "conformance-tester"
"""What the test's own clients put into their user agent."""

READS = re.compile(r"^(Describe|List|Get|AssumeRole|ReceiveMessage)")


@dataclass(frozen=True)
class Call:
    """One request as it came over the wire."""

    service: str
    region: str
    operation: str
    params: dict[str, str]
    agent: str
    signed: bool
    """With the key of this run, and over the bytes that came."""

    @property
    def by_test(self) -> bool:
        """Whether the test itself made the call: its clients say so. Every other call is the program's."""
        return TESTER in self.agent

    @property
    def reads_only(self) -> bool:
        """Whether the call could not have changed anything."""
        return bool(READS.match(self.operation)) or self.params.get("DryRun") == "true"


@dataclass
class Journal:
    """All calls since the last `clear`, oldest first."""

    calls: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call) -> None:
        with self.lock:
            self.calls.append(call)

    def clear(self) -> None:
        with self.lock:
            self.calls.clear()

    def of_program(self) -> list[Call]:
        """The calls that the program under test made."""
        with self.lock:
            return [call for call in self.calls if not call.by_test]

    def mutations(self) -> list[Call]:
        """The calls of the program under test that could have changed something."""
        return [call for call in self.of_program() if not call.reads_only]


class Loopback:
    """The server: started once for all tests, emptied between them."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.denied: set[str] = set()
        self.changing = threading.Lock()
        self.server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.port = self.server.get_host_and_port()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        inner = self.server._server
        inner.app = self.watch(inner.app)

    def stop(self) -> None:
        self.server.stop()

    def watch(self, app):
        """Wraps the WSGI application: notes each request, then lets moto answer unless the operation is refused.

        Changes by the program wait for each other, since moto is not made for several at once, and for a test that
        holds `changing` to compare two answers.
        """

        def watched(environ, start_response):
            call = read_call(environ)
            self.journal.add(call)
            if call.operation in self.denied and not call.by_test:
                return refuse(call, start_response)
            if call.by_test or call.reads_only:
                return app(environ, start_response)
            with self.changing:
                return app(environ, start_response)

        return watched


def read_call(environ) -> Call:
    """Reads the request and puts its body back."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scope = re.search(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request", authorization)
    region, service = scope.groups() if scope else ("", "")
    if service == "lambda":
        operation, params = read_rest(environ)
    elif target := environ.get("HTTP_X_AMZ_TARGET"):
        operation, params = target.rpartition(".")[2], read_json(body)
    else:
        params = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        operation = params.pop("Action", "")
    signed = signature.holds(environ, body, SECRET)
    return Call(service, region, operation, params, environ.get("HTTP_USER_AGENT", ""), signed)


def read_json(body: bytes) -> dict[str, str]:
    """The members of a request in a JSON protocol, each as text."""
    members = json.loads(body or b"{}")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}


def read_rest(environ) -> tuple[str, dict[str, str]]:
    """Names a request of Lambda's REST interface."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    params = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    for wanted, pattern, operation in LAMBDA_PATHS:
        found = re.search(pattern, path)
        if method == wanted and found:
            return operation, params | {"path": found.group(found.re.groups)} if found.re.groups else params
    return f"{method} {path}", params


def refuse(call: Call, start_response):
    """The answer to a caller without the permission, in the form that the service uses."""
    if call.service == "ec2":
        text = (
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform "
            "this operation.</Message></Error></Errors><RequestID>refused</RequestID></Response>"
        )
        headers = [("Content-Type", "text/xml;charset=UTF-8")]
    else:
        text = '{"Message": "User is not authorized to perform this operation"}'
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "AccessDeniedException")]
    start_response("403 Forbidden", [*headers, ("Content-Length", str(len(text)))])
    return [text.encode()]
