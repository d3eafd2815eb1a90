"""That a run fails where an answer is not as described, on a server that is wrong."""

import http.server
import json
import threading
from types import SimpleNamespace

import pytest

from loadtests.openapi.__main__ import _test

TEXT = {"application/json": {"schema": {"type": "string"}}}
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "small", "version": "1"},
    "paths": {
        "/": {"get": {"responses": {"200": {"description": "", "content": TEXT}}}}
    },
}


@pytest.fixture
def server():
    """A server with one route, and what that answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            described = self.path == "/openapi.json"
            status, body = (200, DESCRIPTION) if described else found.answer
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def send_error(self, code, *_):
            self.send_response(405)  # a method that it does not have
            self.send_header("Allow", "GET")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    urls = SimpleNamespace(api=f"http://127.0.0.1:{serving.server_port}")
    found = SimpleNamespace(answer=(200, "fine"), urls=urls)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield found
    serving.shutdown()
    serving.server_close()


@pytest.mark.real
@pytest.mark.parametrize(
    ("answer", "code"), [((200, "fine"), 0), ((200, 7), 1), ((503, "away"), 1)]
)
def test_an_answer_that_is_not_described_fails_the_run(server, answer, code):
    server.answer = answer
    seconds = 60 if code else 5  # the first finding ends it
    assert _test(server, seconds, 1, "--max-failures", 1) == code
