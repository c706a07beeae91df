"""Who may ask: this machine's own page alone.

A page of another host can send requests to 127.0.0.1, and a name that it controls may resolve to
it (DNS rebinding). So every request must name this host, come from no other origin, and know the
token, which only the printed address holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from tinyinterp.explore.plain import as_json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HEADER = b"x-tinyinterp-token"
STATIC = "/static/"  # then the token, then a file
MOST_BYTES = 2**18  # of a request
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the address holds the token
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Lets through what this machine's own page asks, and nothing else.

    Args:
        app: what is guarded.
        token: that a request must know: in the query of the page, in the path of its files, in a
            header of everything else.
        port: that the server listens on.
    """

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets
        send = _with_headers(send)
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        reason = self._refusal(scope, headers)
        if reason is not None:
            await _answer(send, 403, reason)
        elif _length(headers) > MOST_BYTES:
            await _answer(send, 413, _too_large())
        else:
            await self._read_and_call(scope, receive, send)

    def _refusal(self, scope: Message, headers: Mapping[bytes, bytes]) -> str | None:
        if headers.get(b"host", b"").decode("latin-1").lower() not in self._hosts:
            return "this page answers on 127.0.0.1 alone; open the address that the command printed"
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() not in self._origins:
            return "a page of another address may not ask"
        if not secrets.compare_digest(self._given(scope, headers), self._token.encode()):
            return "the token is missing or old; open the address that the command printed"
        return None

    def _given(self, scope: Message, headers: Mapping[bytes, bytes]) -> bytes:
        path: str = scope["path"]
        if path == "/":
            query = parse_qs(scope["query_string"].decode("latin-1"))
            return query.get("token", [""])[0].encode()
        if path.startswith(STATIC):
            return path.removeprefix(STATIC).partition("/")[0].encode()
        return headers.get(HEADER, b"")

    async def _read_and_call(self, scope: Message, receive: Receive, send: Send) -> None:
        """Read the body, which is short, before anything is answered."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST_BYTES:
                await _answer(send, 413, _too_large())
                return
        given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return given.pop() if given else await receive()

        await self._app(scope, again, send)


def _length(headers: Mapping[bytes, bytes]) -> int:
    given = headers.get(b"content-length", b"0")
    return int(given) if given.isdigit() and len(given) < 20 else MOST_BYTES + 1


def _too_large() -> str:
    return f"the request is larger than {MOST_BYTES // 1024} KiB; shorten the text"


def _with_headers(send: Send) -> Send:
    added = [(name.encode(), value.encode()) for name, value in SECURITY.items()]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return sending


async def _answer(send: Send, status: int, reason: str) -> None:
    body = as_json({"error": reason})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
