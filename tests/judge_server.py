"""A server on this machine that speaks OpenAI's protocol, and misbehaves as a test asks."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = {"grammar": 6, "creativity": 4.5, "consistency": 7, "plot": 3}


@dataclass
class Reply:
    """What is sent: by default, a valid answer."""

    status: int = 200
    content: str | None = json.dumps(GOOD)  # the judge's words; None: no text
    body: bytes | None = None  # in place of an answer
    finish: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0  # seconds before anything is sent
    reset: bool = False  # end the connection instead
    cut: int = 0  # bytes of the body that are promised and not sent

    def encoded(self) -> bytes:
        if self.body is not None:
            return self.body
        message = {"role": "assistant", "content": self.content}
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        return json.dumps({"id": "1", "choices": [choice], "usage": usage}).encode()


@dataclass
class FakeServer:
    """Its address, and what it was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[int, dict[str, Any]], Reply]) -> Iterator[FakeServer]:
    """Answer on a free port; ``answer`` gets the number of a request and its content."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(fake.asked)
                fake.asked.append(content)
                fake.keys.append(self.headers["Authorization"].removeprefix("Bearer "))
            reply = answer(number, content)
            time.sleep(reply.wait)
            self.close_connection = reply.reset or bool(reply.cut)
            if reply.reset:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = reply.encoded()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) - reply.cut])

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that left before a slow answer

    server = Server(("127.0.0.1", 0), Handler)
    fake = FakeServer(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
