import http.server
import ssl
import threading

import httpx
import pytest

from harness import plain_http


def test_no_certificates_are_read(monkeypatch):
    """Each client would cost 30 ms of computing, and an API is looked at every 50."""

    def reads(*_, **__):
        raise AssertionError("it reads the machine's certificates")

    monkeypatch.setattr(ssl, "create_default_context", reads)
    with pytest.raises(AssertionError, match="certificates"):
        httpx.Client()
    plain_http.client(timeout_s=1).close()


@pytest.fixture
def server():
    """A server on loopback; returns its URL."""
    served = http.server.HTTPServer(
        ("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler
    )
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


def test_the_machines_proxy_is_not_asked(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    answer = plain_http.request("HEAD", f"{server}/nothing", timeout_s=5)
    assert answer.status_code == 404
    with pytest.raises(httpx.TransportError):
        plain_http.request("HEAD", "http://127.0.0.1:1", timeout_s=5)
