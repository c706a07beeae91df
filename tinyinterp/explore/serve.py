"""The server on the loopback address, and how it begins and ends."""

from __future__ import annotations

import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tinyinterp.errors import DependencyError, OutputError
from tinyinterp.explore.app import build
from tinyinterp.explore.explorer import Explorer

HOST = "127.0.0.1"
PATIENCE = 2  # seconds for answers that are under way when the server ends
ENDS = tuple(  # Ctrl-C, kill, and the terminal that is closed
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def check_installed() -> None:
    """Refuse before any work if the server's packages are missing.

    Raises:
        DependencyError: they are.
    """
    try:
        import starlette
        import uvicorn
    except ImportError as error:
        raise DependencyError(error.name or "uvicorn", "explore") from error
    del starlette, uvicorn


class Serving:
    """A page that is being served: its address, and how to end it.

    Args:
        explorer: what answers.
        port: to listen on; 0: any that is free.

    Raises:
        DependencyError: the server's packages are not installed.
        OutputError: the port is taken.
    """

    def __init__(self, explorer: Explorer, port: int = 0) -> None:
        check_installed()
        self._explorer = explorer
        self._socket = _listen(port)
        self._token = secrets.token_urlsafe(24)
        self.port: int = self._socket.getsockname()[1]
        self._server = _server(build(explorer, self._token, self.port))

    @property
    def address(self) -> str:
        """What a browser opens; its token lets it in."""
        return f"http://{HOST}:{self.port}/?token={self._token}"

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until a signal or :meth:`stop` ends it.

        Args:
            ready: called once requests are accepted.
        """
        self._explorer.start()
        try:
            with self._socket:
                ready()  # the socket listens already; a request waits until the loop runs
                self._server.run(sockets=[self._socket])
        finally:
            self._explorer.end()

    def stop(self) -> None:
        """End it, from another thread."""
        self._server.should_exit = True


def open_browser(address: str) -> None:
    """Open the address in a browser where there is one; nothing waits for it."""

    def opening() -> None:
        with suppress(webbrowser.Error):
            webbrowser.open(address)

    threading.Thread(target=opening, name="tinyinterp-browser", daemon=True).start()


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise OutputError(
            f"cannot listen on port {port} of {HOST}: {error}; choose another with --port, or "
            "leave it out for any that is free"
        ) from error
    listening.listen()
    return listening


def _server(app: Any) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """Ends without a traceback on each of the signals, and does not raise them again."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            before = {
                each: signal.signal(each, self.handle_exit)
                for each in ENDS
                if signal.getsignal(each) is not signal.SIG_IGN  # nohup
            }
            try:
                yield
            finally:
                for each, handler in before.items():
                    signal.signal(each, handler)

    return Server(
        uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=PATIENCE,
        )
    )
