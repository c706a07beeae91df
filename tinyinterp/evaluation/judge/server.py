"""One server that speaks OpenAI's protocol, hosted or local: asks, waits, asks again.

The library's own retries are off, so that every wait is seeded, honours the server's wish and ends.
The key goes into the request's header and nowhere else: no message has it, also where the server
sends it back.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tinyinterp.errors import DependencyError, JudgeError
from tinyinterp.evaluation.judge.answers import AnswerError, read_answer, schema
from tinyinterp.evaluation.judge.cache import Answer
from tinyinterp.evaluation.judge.waiting import HOPELESS_WAIT, asked_wait, backoff

if TYPE_CHECKING:
    from openai import OpenAI

    from tinyinterp.evaluation.judge.plan import Request

OPENAI = "https://api.openai.com/v1"
LOCAL = ("localhost", "127.0.0.1", "::1")
NO_KEY = "none"  # sent to a local server that asks for none
AGAIN = (408, 409, 425, 429)  # and all from 500 on
NO_SUCH_FORMAT = (400, 404, 415, 422, 501)  # how servers refuse a response format


@dataclass(frozen=True)
class JudgeServer:
    """Where the judge is, and how often it is asked for one answer.

    Args:
        model: its name on the server.
        base_url: up to and with ``/v1``.
        temperature: None: the server's own.
        timeout: seconds that one request may take.
        attempts: requests for one answer, at most.
        seed: of the waits between them.
    """

    model: str
    base_url: str = OPENAI
    temperature: float | None = None
    timeout: float = 60.0
    attempts: int = 5
    seed: int = 0

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return urlsplit(self.base_url).hostname or self.base_url

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return self.host in LOCAL


def default_url() -> str:
    """The address where none is given: ``OPENAI_BASE_URL``, as for the library, or OpenAI's own."""
    return os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI


def find_key(server: JudgeServer, variable: str) -> str:
    """The key in an environment variable; a local server needs none.

    Raises:
        JudgeError: the variable is not set.
    """
    if urlsplit(server.base_url).scheme not in ("http", "https"):
        raise JudgeError(
            f"the address of the judge is {server.base_url!r}; expected one that starts with "
            "https:// (or http:// for a local server) and ends, for most servers, in /v1"
        )
    if key := os.environ.get(variable, "").strip():
        return key
    if server.is_local:
        return NO_KEY
    raise JudgeError(
        f"the judge at {server.host} needs a key: set the environment variable {variable} (another "
        "one with --key-env NAME), or give the address of a local server, such as --base-url "
        "http://localhost:8000/v1; tinyinterp evaluate proxies needs neither"
    )


@dataclass
class Connection:
    """An open client; shared by threads.

    Args:
        server: which.
        key: its key.
        wait: sleeps for so many seconds.
    """

    server: JudgeServer
    key: str = field(repr=False)
    wait: Callable[[float], None] = time.sleep
    tokens_in: int = field(default=0, init=False)  # that the server counted, of all its answers
    tokens_out: int = field(default=0, init=False)
    _formats: list[str] = field(default_factory=lambda: ["schema", "object", "text"])
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = self._open()

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def _open(self) -> OpenAI:
        try:
            import openai
        except ImportError as error:
            raise DependencyError("openai", "judge") from error
        return openai.OpenAI(
            api_key=self.key,
            base_url=self.server.base_url,
            max_retries=0,
            timeout=self.server.timeout,
            # A proxy has no way to this machine:
            http_client=openai.DefaultHttpxClient(trust_env=False)
            if self.server.is_local
            else None,
        )

    def ask(self, request: Request, number: int) -> Answer:
        """A valid answer to one question.

        Args:
            request: the question.
            number: of the question in the plan, for the seed of its waits.

        Raises:
            AnswerError: the last of all attempts had no valid answer.
            JudgeError: the server refuses, cannot be reached, or only has errors.
        """
        spent_in = spent_out = 0
        for attempt in range(self.server.attempts):
            last = attempt == self.server.attempts - 1
            try:
                body = self._send(request)
                tokens_in, tokens_out = _usage(body)
                spent_in, spent_out = spent_in + tokens_in, spent_out + tokens_out
                with self._lock:  # an answer that cannot be used is paid for, too
                    self.tokens_in += tokens_in
                    self.tokens_out += tokens_out
                text = _text(body)
                scores = read_answer(text, request.criteria)
                return Answer(scores, text, spent_in, spent_out)
            except AnswerError:
                if last:
                    raise
                delay = 0.0
            except _BusyError as busy:
                if last or busy.wait > HOPELESS_WAIT:
                    raise JudgeError(self._gave_up(busy, attempt + 1)) from None
                delay = busy.wait
            self.wait(max(delay, backoff(attempt, (self.server.seed, number, attempt))))
        raise AssertionError("at least one attempt")

    def _gave_up(self, busy: _BusyError, attempts: int) -> str:
        wish = f" (it asks to wait {busy.wait:.0f} seconds)" if busy.wait > HOPELESS_WAIT else ""
        return (
            f"the judge at {self.server.host} gave no answer in {attempts} attempts: "
            f"{busy}{wish}; the answers so far are kept, so run it again later"
        )

    def _send(self, request: Request) -> dict[str, Any]:
        """The body of one answer, as JSON.

        Raises:
            AnswerError: it is no JSON object.
            JudgeError: asking again is of no use.
        """
        import openai

        options: dict[str, Any] = {}
        if self.server.temperature is not None:
            options["temperature"] = self.server.temperature
        while True:
            kind = self._formats[0]
            if (form := _response_format(kind, request.criteria)) is not None:
                options["response_format"] = form
            else:
                options.pop("response_format", None)
            try:
                raw = self._client.chat.completions.with_raw_response.create(
                    model=self.server.model,
                    messages=[{"role": "user", "content": request.message}],
                    **options,
                )
                return _object(self._without_key(raw.text))
            except openai.APITimeoutError:
                raise _BusyError(f"nothing came within {self.server.timeout:g} seconds") from None
            except openai.APIConnectionError as error:
                reason = type(error.__cause__).__name__ if error.__cause__ else "no connection"
                raise _BusyError(f"the connection failed ({reason})") from None
            except openai.APIStatusError as error:
                status, said = error.status_code, self._said(error.response.text)
                if status in NO_SUCH_FORMAT and kind != "text" and "format" in said.lower():
                    self._step_down(kind)
                    continue
                if status >= 500 or (status in AGAIN and "insufficient_quota" not in said):
                    wish = asked_wait(error.response.headers)
                    raise _BusyError(f"status {status}", wish) from None
                raise JudgeError(self._refused(status, said)) from None

    def _step_down(self, kind: str) -> None:
        """From now on ask in the next plainer format; another thread may have done so before."""
        if self._formats[0] == kind:
            self._formats = self._formats[1:]

    def _refused(self, status: int, said: str) -> str:
        if status in (401, 403):
            return (
                f"the judge at {self.server.host} does not accept the key (status {status}); see "
                "that the environment variable holds the key of this server"
            )
        if status == 404:
            return (
                f"the judge at {self.server.host} has no model {self.server.model!r} at this "
                f"address (status 404: {said}); check --model and --base-url"
            )
        return f"the judge at {self.server.host} refuses the request (status {status}: {said})"

    def _said(self, body: str) -> str:
        """What a server says, on one line, without the key."""
        line = " ".join(self._without_key(body).split())
        return line if len(line) <= 200 else f"{line[:200]}…"

    def _without_key(self, body: str) -> str:
        return body if self.key == NO_KEY else body.replace(self.key, "[key]")


class _BusyError(Exception):
    """The server may answer later.

    Args:
        reason: what it said.
        wait: seconds that it asks to wait.
    """

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def _response_format(kind: str, criteria: tuple[str, ...]) -> dict[str, Any] | None:
    if kind == "schema":
        form = {"name": "scores", "strict": True, "schema": schema(criteria)}
        return {"type": "json_schema", "json_schema": form}
    return {"type": "json_object"} if kind == "object" else None


def _object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AnswerError("the server's answer is not JSON") from error
    if not isinstance(found, dict):
        raise AnswerError("the server's answer is no JSON object")
    return found


def _text(body: dict[str, Any]) -> str:
    """The judge's words in an answer of the server.

    Raises:
        AnswerError: there are none, or they were cut off.
    """
    try:
        choice = body["choices"][0]
        text = choice["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise AnswerError("the server's answer holds no message") from error
    if choice.get("finish_reason") == "length":
        raise AnswerError("the answer was cut off")
    if not isinstance(text, str):
        raise AnswerError("the server's answer holds no text")
    return text


def _usage(body: dict[str, Any]) -> tuple[int, int]:
    """Tokens that the server counted, in and out; 0 where it does not say."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return 0, 0
    found = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    first, second = (number if isinstance(number, int) else 0 for number in found)
    return first, second
