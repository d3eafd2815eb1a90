import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadtests.bench import submit
from loadtests.bench.requests import Connection, at_once


@pytest.fixture
def url():
    """A server that answers with the status that the path names."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(int(self.path[1:]))
            self.send_header("Content-Length", "2")
            self.send_header("Retry-After", "5")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_all_answers_of_all_clients_are_kept(url):
    answers = at_once(url, 3, lambda c: [c.ask("POST /503", {}) for _ in range(2)])
    assert [(one.status, one.retry_after) for one in answers] == [(503, "5")] * 6
    assert all(0 < one.took_s < 5 for one in answers)


def test_a_client_without_an_answer_is_an_error():
    with pytest.raises(OSError, match="refused"):
        at_once("http://127.0.0.1:1", 2, lambda c: [c.ask("GET /")])
    Connection("http://127.0.0.1:1").close()


def test_the_last_hundredth_is_left_out():
    assert submit._p99([0.01] * 995 + [9.0] * 5) == pytest.approx(0.01)
    assert submit._p99([0.01] * 980 + [9.0] * 20) == pytest.approx(9.0)
