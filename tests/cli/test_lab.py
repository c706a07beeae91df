from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
from outcome import Run

from tinyinterp.cli import tour

NAMES = [path.name for path in tour.tour()]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments that JupyterLab would have been started with."""
    calls: list[list[str]] = []
    monkeypatch.setattr(tour, "find_jupyterlab", lambda: calls.append)
    return calls


def test_the_tour_is_copied_and_opened_at_its_beginning(
    run: Run, launched: list[list[str]], tmp_path: Path
):
    out = tmp_path / "tour"
    outcome = run("lab", "--out", out)
    assert outcome.code == 0
    assert f"{len(NAMES)} of {len(NAMES)} notebooks copied" in outcome.err
    assert launched == [[str(out), "--LabApp.default_url=/lab/tree/01_first_look.ipynb"]]
    assert sorted(path.name for path in out.iterdir()) == NAMES


def test_what_jupyter_is_to_be_told_is_passed_on(
    run: Run, launched: list[list[str]], tmp_path: Path
):
    assert run("lab", "--out", tmp_path, "--no-browser", "--", "--port=9", "--debug").code == 0
    assert launched[0][2:] == ["--no-browser", "--port=9", "--debug"]
    assert run("lab", "--out", tmp_path, "--port=9").code == 2


def test_a_changed_notebook_is_kept_and_named(run: Run, launched: list[list[str]], tmp_path: Path):
    (tmp_path / NAMES[0]).write_text("mine", "utf-8")
    outcome = run("lab", "--out", tmp_path)
    assert f"kept yours: {NAMES[0]};" in outcome.err
    assert (tmp_path / NAMES[0]).read_text("utf-8") == "mine"
    assert len(launched) == 1


def test_without_jupyterlab_nothing_is_copied(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    run("lab", "--out", tmp_path / "tour").refused("pip install jupyterlab")
    assert not (tmp_path / "tour").exists()


def test_jupyterlab_answers_from_the_folder(tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--allow-root",
        "--IdentityProvider.token=t",
    ]
    command = [
        sys.executable,
        "-m",
        "tinyinterp",
        "lab",
        "--out",
        str(tmp_path / "tour"),
        "--no-browser",
        "--",
        *options,
    ]
    places = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | places)
    try:
        listing = _answer(server, f"http://127.0.0.1:{port}/api/contents?token=t", tmp_path / "log")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    for name in NAMES:
        assert f'"{name}"' in listing


def _answer(server: subprocess.Popen[bytes], url: str, log: Path) -> str:
    for _ in range(600):
        assert server.poll() is None, log.read_text("utf-8")
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return reply.read().decode()
        except URLError:
            time.sleep(0.1)
    pytest.fail(log.read_text("utf-8"))
