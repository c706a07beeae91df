"""Who may ask: the token, the host and the origin of every request; and how much."""

from __future__ import annotations

import json

import pytest

from tests.explore.conftest import TEXT, Server
from tinyinterp.explore.guard import MOST_BYTES

RUN = json.dumps({"text": TEXT}).encode()
PATHS = [
    ("GET", "/?token={token}", None),
    ("GET", "/static/{token}/main.js", None),
    ("GET", "/api/model", None),
    ("POST", "/api/run", RUN),
    ("POST", "/api/generate", RUN),
]


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_what_the_page_asks_is_answered(server: Server, method: str, path: str, body: bytes | None):
    status, _, _ = server.request(method, path.format(token=server.token), body)
    assert status == 200


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
@pytest.mark.parametrize("token", ["", "x", "é"])
def test_nothing_is_answered_without_the_token(
    server: Server, method: str, path: str, body: bytes | None, token: str
):
    given = path.format(token=token.replace("é", "%C3%A9"))
    status, said, _ = server.request(
        method, given, body, x_tinyinterp_token=token.encode().decode("latin-1")
    )
    assert status == 403
    assert "token" in json.loads(said)["error"]


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1"]
)
def test_a_request_to_another_host_is_refused(
    server: Server, method: str, path: str, body: bytes | None, host: str
):
    host = host.format(port=server.serving.port)
    status, _, _ = server.request(method, path.format(token=server.token), body, host=host)
    assert status == 403


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}"])
def test_a_request_from_another_origin_is_refused(
    server: Server, method: str, path: str, body: bytes | None, origin: str
):
    origin = origin.format(port=server.serving.port)
    status, _, _ = server.request(method, path.format(token=server.token), body, origin=origin)
    assert status == 403


def test_the_own_origin_is_let_through_by_both_names(server: Server):
    for host in ("127.0.0.1", "localhost"):
        name = f"{host}:{server.serving.port}"
        status, _, _ = server.request("POST", "/api/run", RUN, host=name, origin=f"http://{name}")
        assert status == 200


def test_every_answer_forbids_to_load_anything_from_elsewhere(server: Server):
    for method, path, body in (*PATHS, ("GET", "/nothing", None), ("GET", "/?token=x", None)):
        _, _, headers = server.request(method, path.format(token=server.token), body)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


def test_a_request_that_is_too_large_is_refused_with_a_sentence(server: Server):
    body = json.dumps({"text": "a" * MOST_BYTES}).encode()
    status, said, _ = server.request("POST", "/api/run", body)
    assert status == 413
    assert json.loads(said)["error"].startswith("the request is larger than 256 KiB")


def test_a_length_that_lies_is_found_out(server: Server):
    def chunks():  # sent without a length
        for _ in range(40):
            yield b"x" * 8192

    status, said, _ = server.request("POST", "/api/run", chunks())
    assert status == 413
    assert "larger" in json.loads(said)["error"]


def test_only_files_of_the_page_are_served(server: Server):
    for name in ("nothing.js", "..%2Fapp.py", "%2e%2e/app.py", "__init__.py"):
        status, _, _ = server.request("GET", f"/static/{server.token}/{name}")
        assert status == 404
