"""Another application: its own routes, fields and words, and answers of all kinds.

What a submit is answered depends on how many keys came before its own; a job is done
when it has been asked for twice.
"""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.server.bodies.append(json.loads(self.rfile.read(size)))
        key = self.headers["X-Key"]
        with self.server.lock:
            self.server.keys[key] += 1
            first = self.server.keys[key] == 1
            number = list(self.server.keys).index(key) + 1
        match number:
            case 1 if first:
                self.close_connection = True  # no answer, though there is a job
            case 2:
                self.answer(429, {"detail": "full"}, {"Retry-After": "1"})
            case 3:
                self.answer(429, {"detail": "full"})
            case 4:
                self.answer(503, {"detail": "away"})
            case 5:
                self.answer(200, {"detail": "what was the id again?"})
            case _:
                self.answer(201, {"uid": f"job-{number}"})

    def do_GET(self):
        job = self.path.rpartition("/")[2]
        self.server.asked[job] += 1
        done = self.server.asked[job] > 1
        state = "PENDING" if not done else "FAILURE" if job == "job-7" else "SUCCESS"
        self.answer(200, {"phase": state, "queued": "2026-01-02T03:04:05Z"})

    def answer(self, status, told, headers=()):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    """Start it in a thread; `shutdown` and `server_close` end it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.keys, server.asked, server.bodies = Counter(), Counter(), []
    server.lock = threading.Lock()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
