from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from outcome import Run


def test_without_the_extra_one_line_says_what_to_install(
    run: Run, ckpt: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    run("explore", "--ckpt", ckpt).refused(r"pip install 'tinyinterp\[explore\]'")


def test_a_port_that_is_taken_is_refused(run: Run, ckpt: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run("explore", "--ckpt", ckpt, "--port", port).refused("choose another with --port")


def test_a_folder_without_a_census_is_refused(run: Run, ckpt: Path, tmp_path: Path):
    run("explore", "--ckpt", ckpt, "--census", tmp_path).refused("holds no census")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_it_serves_until_it_is_interrupted_or_its_terminal_closes(ckpt: Path, name: str):
    command = [sys.executable, "-m", "tinyinterp", "explore", "--ckpt", str(ckpt), "--no-browser"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - the child runs this and Python alone
    )  # fmt: skip
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address, timeout=60) as reply:
        assert b"<title>Explore</title>" in reply.read()
    server.send_signal(getattr(signal, name))
    _, said = server.communicate(timeout=60)
    assert server.returncode == 0
    assert said == "open this address in a browser on this machine; Ctrl-C ends the page\n"


def _as_in_a_terminal() -> None:
    for each in (signal.SIGINT, signal.SIGHUP):  # a test run may have been told to ignore them
        signal.signal(each, signal.SIG_DFL)
