"""The addresses of the page, and what is answered at each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from tinyinterp.errors import TinyinterpError
from tinyinterp.explore import site
from tinyinterp.explore.answers import (
    attribution_answer,
    describe,
    neuron_answer,
    run_answer,
    search_answer,
)
from tinyinterp.explore.explorer import Explorer
from tinyinterp.explore.guard import STATIC, App, Guard
from tinyinterp.explore.plain import as_json
from tinyinterp.explore.questions import Question, question
from tinyinterp.explore.writing import pieces

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    Responding = Callable[[Request], Awaitable[Response]]

Answering = Callable[[Explorer, Question], dict[str, Any]]
QUESTIONS: dict[str, Answering] = {
    "/api/run": run_answer,
    "/api/attribution": attribution_answer,
    "/api/neuron": neuron_answer,
    "/api/search": search_answer,
}


def build(explorer: Explorer, token: str, port: int) -> App:
    """The whole page as an ASGI application, guarded.

    Args:
        explorer: what answers.
        token: that every request must know.
        port: that the server listens on.
    """
    from starlette.applications import Starlette
    from starlette.routing import Route

    routes = [
        Route("/", _page(token)),
        Route(STATIC + "{token}/{name}", _files()),
        Route("/api/model", _describing(explorer)),
        *(
            Route(path, _answering(explorer, answer), methods=["POST"])
            for path, answer in QUESTIONS.items()
        ),
        Route("/api/generate", _writing(explorer), methods=["POST"]),
    ]
    app = Starlette(
        routes=routes, exception_handlers={TinyinterpError: _refused, Exception: _failed}
    )
    return Guard(app, token, port)


def _page(token: str) -> Responding:
    from starlette.responses import Response

    async def page(_request: Request) -> Response:
        return Response(site.page(token), media_type="text/html")

    return page


def _files() -> Responding:
    from starlette.responses import Response

    files = site.files()

    async def file(request: Request) -> Response:
        kind, content = files.get(request.path_params["name"], (None, b""))
        if kind is None:
            return _json({"error": "there is no such file"}, 404)
        return Response(content, media_type=kind)

    return file


def _describing(explorer: Explorer) -> Responding:
    async def model(_request: Request) -> Response:
        return _json(describe(explorer))

    return model


def _answering(explorer: Explorer, answer: Answering) -> Responding:
    """A question with one answer, found in a thread while others are heard."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    async def respond(request: Request) -> Response:
        asked = question(await request.body())
        body = await run_in_threadpool(lambda: as_json(answer(explorer, asked)))
        return Response(body, media_type="application/json")

    return respond


def _writing(explorer: Explorer) -> Responding:
    """A continuation as JSON lines, sent as they come; it ends when nobody reads any longer."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import StreamingResponse

    async def generate(request: Request) -> Response:
        asked = question(await request.body())
        written = await run_in_threadpool(pieces, explorer, asked)
        return StreamingResponse(_lines(written), media_type="application/x-ndjson")

    return generate


def _lines(written: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for piece in written:
        yield as_json(piece) + b"\n"


async def _refused(_request: Request, error: Exception) -> Response:
    return _json({"error": _sentence(error)}, 400)


async def _failed(_request: Request, error: Exception) -> Response:
    said = f"unexpected {type(error).__name__}: {_sentence(error)}; please report it"
    return _json({"error": said}, 500)


def _json(value: dict[str, Any], status: int = 200) -> Response:
    from starlette.responses import Response

    return Response(as_json(value), status, media_type="application/json")


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())
