from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_server import GOOD, FakeServer, Reply, serving

from tinyinterp.errors import JudgeError
from tinyinterp.evaluation.judge import (
    JudgePrompt,
    JudgeServer,
    find_key,
    judge,
    judgement_tables,
    plan_requests,
)
from tinyinterp.evaluation.judge.answers import CRITERIA, AnswerError, read_answer
from tinyinterp.evaluation.judge.cache import AnswerCache, answer_key
from tinyinterp.evaluation.judge.server import Connection
from tinyinterp.evaluation.judge.waiting import LONGEST_WAIT, asked_wait, backoff
from tinyinterp.evaluation.openings import INSTRUCTION, Completion

KEY = "sk-very-secret-0123456789"
COMPLETIONS = [
    Completion("small", "0.4", 0, "Once there was a dog.", " It ran {prompt} away.", " It barked."),
    Completion("small", "0.4", 1, "Lily had a ball.", " It was red.", " She lost it."),
    Completion("large", "0.4", 0, "Once there was a dog.", " It sang.", " It barked."),
]


class Asked:
    """A judge at work: its waits are noted and not waited."""

    def __init__(self, fake: FakeServer, folder: Path, **settings: Any) -> None:
        self.server = JudgeServer("umpire", fake.url, **settings)
        self.waits: list[float] = []
        self.tokens = (0, 0)
        self.connection = Connection(self.server, KEY, self.waits.append)
        self.cache = AnswerCache(folder / "cache")

    def judge(self, completions: list[Completion] = COMPLETIONS[:1], repeats: int = 1, **more: Any):
        plan = plan_requests(completions, JudgePrompt.read(), self.server, self.cache, repeats)
        try:
            judgements, *tokens = judge(plan, self.connection, self.cache, **more)
            self.tokens = tuple(tokens)
            return judgements
        finally:
            self.connection.close()


def first_then_good(*replies: Reply) -> Callable[[int, dict[str, Any]], Reply]:
    return lambda number, _: replies[number] if number < len(replies) else Reply()


def scores(answer: str) -> dict[str, float]:
    return read_answer(answer, CRITERIA)


def changed(**values: object) -> str:
    return json.dumps(GOOD | values)


@pytest.mark.parametrize(
    ("reply", "least"),
    [
        (Reply(wait=0.6), 0),
        (Reply(429, body=b'{"error": {"message": "slow down"}}', headers={"Retry-After": "7"}), 7),
        (Reply(500, body=b"<html>oops</html>"), 0),
        (Reply(503, headers={"Retry-After": "99999999999999"[:2]}), 99),
        (Reply(body=b"<html>welcome</html>"), 0),
        (Reply(body=b"[]"), 0),
        (Reply(body=b'{"choices": []}'), 0),
        (Reply(content=None), 0),
        (Reply(content="I like this story."), 0),
        (Reply(content='{"grammar": 6'), 0),
        (Reply(content=changed(grammar=11)), 0),
        (Reply(content=changed(plot=-1)), 0),
        (Reply(content=changed(plot="7")), 0),
        (Reply(content=changed(plot=True)), 0),
        (Reply(content=changed(plot=None)), 0),
        (Reply(content='{"grammar": NaN, "creativity": 1, "consistency": 1, "plot": 1}'), 0),
        (Reply(content='{"grammar": 6, "creativity": 4, "plot": 3}'), 0),
        (Reply(finish="length"), 0),
        (Reply(cut=5), 0),
        (Reply(reset=True), 0),
    ],
    ids=[
        "slow", "429", "500", "503", "html", "list", "no choice", "no text", "prose", "half",
        "above", "below", "string", "true", "null", "NaN", "missing", "length", "cut", "reset",
    ],
)  # fmt: skip
def test_what_goes_wrong_once_is_asked_again(reply: Reply, least: float, tmp_path: Path):
    with serving(first_then_good(reply)) as fake:
        asked = Asked(fake, tmp_path, timeout=0.3 if reply.wait else 20)
        (judgement,) = asked.judge()
    assert {name: getattr(judgement, name) for name in GOOD} == GOOD
    assert (judgement.following, judgement.failed) == (None, None)
    assert len(fake.asked) == 2
    assert len(asked.waits) == 1
    assert max(least, 0.5) <= asked.waits[0] <= max(least, LONGEST_WAIT)


def test_waits_double_are_seeded_and_differ_between_questions(tmp_path: Path):
    waits = []
    for seed in (0, 0, 1):
        with serving(first_then_good(*[Reply(500)] * 4)) as fake:
            asked = Asked(fake, tmp_path / str(len(waits)), seed=seed)
            asked.judge()
        waits.append(asked.waits)
    assert waits[0] == waits[1] != waits[2]
    for attempt, wait in enumerate(waits[0]):
        assert 0.5 * 2**attempt <= wait <= 2**attempt
    assert backoff(0, (0, 0, 0)) != backoff(0, (0, 1, 0))


def test_a_date_to_wait_for_is_understood():
    soon = datetime.now(UTC) + timedelta(seconds=40)
    assert 30 < asked_wait({"retry-after": format_datetime(soon, usegmt=True)}) <= 40
    assert asked_wait({"retry-after": "inf"}) == asked_wait({"retry-after": "-3"}) == 0


def test_a_server_that_only_fails_is_given_up_and_what_was_answered_is_kept(tmp_path: Path):
    def answer(number: int, _: object) -> Reply:
        return Reply() if number == 0 else Reply(500, body=KEY.encode())

    with serving(answer) as fake:
        asked = Asked(fake, tmp_path, attempts=3)
        with pytest.raises(JudgeError, match=r"no answer in 3 attempts: status 500") as error:
            asked.judge(COMPLETIONS)
    assert KEY not in str(error.value)
    assert len(fake.asked) == 4
    with serving(first_then_good()) as again:
        other = Asked(again, tmp_path)
        other.server = asked.server  # whose address is part of the key
        judgements = other.judge(COMPLETIONS)
    assert len(again.asked) == 2
    assert [each.cached for each in judgements] == [True, False, False]


def test_a_server_that_asks_for_hours_is_given_up(tmp_path: Path):
    with (
        serving(lambda *_: Reply(429, headers={"Retry-After": "7200"})) as fake,
        pytest.raises(JudgeError, match="asks to wait 7200 seconds"),
    ):
        Asked(fake, tmp_path).judge()
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(401, body=f"Incorrect API key provided: {KEY}".encode()), "does not accept the key"),
        (Reply(404, body=f"no model for {KEY}".encode()), "has no model 'umpire'.*no model for"),
        (Reply(400, body=f"bad: {KEY}".encode()), r"refuses the request \(status 400: bad"),
        (Reply(429, body=b'{"error": {"code": "insufficient_quota"}}'), "insufficient_quota"),
    ],
)
def test_a_refusal_is_one_sentence_without_the_key(reply: Reply, message: str, tmp_path: Path):
    with (
        serving(lambda *_: reply) as fake,
        pytest.raises(JudgeError, match=message) as error,
    ):
        Asked(fake, tmp_path).judge()
    assert len(fake.asked) == 1
    assert fake.keys == [KEY]
    assert KEY not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


def test_nobody_at_the_address_is_one_sentence(tmp_path: Path):
    with serving(first_then_good()) as fake:
        pass
    with pytest.raises(JudgeError, match="the connection failed"):
        Asked(fake, tmp_path, attempts=2).judge()


def test_an_answer_that_stays_invalid_is_left_out_and_said(tmp_path: Path):
    def answer(_: int, content: dict[str, Any]) -> Reply:
        bad = "Lily" in content["messages"][0]["content"]
        return Reply(content=changed(plot=12)) if bad else Reply()

    with serving(answer) as fake:
        asked = Asked(fake, tmp_path, attempts=3)
        judgements = asked.judge(COMPLETIONS)
    assert len(fake.asked) == 1 + 3 + 1
    assert asked.tokens == (500, 50)  # those of the answers that were refused, too
    assert [each.failed for each in judgements] == [None, "plot is 12; expected 0 to 10", None]
    means, of_stories = judgement_tables(judgements, {})
    assert means.notes["warnings"][0].startswith("1 of 3 questions had no valid answer")
    assert means.row(model="small", measure="plot")["answers"] == 1
    assert of_stories["plot"] == [3, None, 3]


def test_formats_are_tried_from_the_strictest_on(tmp_path: Path):
    def answer(_: int, content: dict[str, Any]) -> Reply:
        kind = content.get("response_format", {}).get("type")
        return Reply(400, body=f"unknown response_format {kind}".encode()) if kind else Reply()

    with serving(answer) as fake:
        asked = Asked(fake, tmp_path)
        asked.judge(COMPLETIONS)
    kinds = [content.get("response_format", {}).get("type") for content in fake.asked]
    assert kinds == ["json_schema", "json_object", None, None, None]
    assert asked.waits == []


def test_nothing_is_paid_twice(tmp_path: Path):
    with serving(first_then_good()) as fake:
        asked = Asked(fake, tmp_path)
        first = asked.judge(COMPLETIONS, repeats=2)
        asked = Asked(fake, tmp_path)
        second = asked.judge([*COMPLETIONS, replace(COMPLETIONS[0], model="twin")], repeats=3)
    assert len(fake.asked) == 6 + 3  # the twin wrote the same
    assert [each.cached for each in first] == [False] * 6
    assert sum(each.cached for each in second) == 6 + 2
    files = [path.read_text() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) == 9
    assert not any(KEY in text or "127.0.0.1" in text or "dog" in text for text in files)


def test_a_damaged_answer_is_asked_for_again(tmp_path: Path):
    with serving(first_then_good()) as fake:
        Asked(fake, tmp_path).judge()
        (path,) = (tmp_path / "cache").rglob("*.json")
        for text in ("", "[]", path.read_text().replace("4.5", "45"), "{}"):
            path.write_text(text)
            (judgement,) = Asked(fake, tmp_path).judge()
            assert not judgement.cached
    assert len(fake.asked) == 5


def test_the_order_and_the_number_of_threads_change_nothing(tmp_path: Path):
    def answer(_: int, content: dict[str, Any]) -> Reply:
        size = len(content["messages"][0]["content"]) % 10
        return Reply(content=changed(plot=size), wait=0.01 * size)

    found = []
    for parallel in (1, 3):
        with serving(answer) as fake:
            asked = Asked(fake, tmp_path / str(parallel))
            found.append(asked.judge(COMPLETIONS, repeats=2, parallel=parallel))
    assert found[0] == found[1]


def test_an_instruction_is_judged_by_how_it_is_followed(tmp_path: Path):
    instruction = Completion("small", INSTRUCTION, 3, "Words: oak\nStory:\n", "An oak.", "The oak.")
    with serving(lambda *_: Reply(content=changed(following=2))) as fake:
        first, second = Asked(fake, tmp_path).judge([instruction, COMPLETIONS[0]])
    assert (first.following, second.following) == (2, None)
    wanted = [c["response_format"]["json_schema"]["schema"]["required"] for c in fake.asked]
    assert wanted == [[*CRITERIA, "following"], list(CRITERIA)]


def test_stories_stand_in_the_message_as_they_are():
    message = JudgePrompt("{prompt}|{continuation}|{other}", "").fill(COMPLETIONS[0])
    assert message == "Once there was a dog.|It ran {prompt} away.|{other}"
    for form in (JudgePrompt.read().completion, JudgePrompt.read().instruction):
        assert form.count("{prompt}") == form.count("{continuation}") == 1
        example = json.loads(form[form.rindex("{") :])
        assert set(CRITERIA) <= set(example)


def test_a_prompt_of_ones_own_needs_a_continuation(tmp_path: Path):
    path = tmp_path / "prompt.txt"
    path.write_text("How good is it? {continuation}")
    prompt = JudgePrompt.read(path)
    assert prompt.fill(COMPLETIONS[1]) == "How good is it? It was red."
    path.write_text("How good is it?")
    with pytest.raises(JudgeError, match=r"has no \{continuation\}"):
        JudgePrompt.read(path)
    with pytest.raises(JudgeError, match="cannot read"):
        JudgePrompt.read(tmp_path / "none.txt")


def test_a_key_comes_from_the_environment_and_a_local_server_needs_none(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(JudgeError, match="set the environment variable MY_KEY") as error:
        find_key(JudgeServer("umpire"), "MY_KEY")
    assert "\n" not in str(error.value)
    assert find_key(JudgeServer("umpire", "http://localhost:8000/v1"), "MY_KEY") == "none"
    with pytest.raises(JudgeError, match="starts with https://"):
        find_key(JudgeServer("umpire", "api.example.com/v1"), "MY_KEY")
    monkeypatch.setenv("MY_KEY", KEY)
    assert find_key(JudgeServer("umpire"), "MY_KEY") == KEY
    assert KEY not in repr(Connection(JudgeServer("umpire"), KEY))


def test_all_that_an_answer_depends_on_is_in_its_key():
    given = ("umpire", "https://judge.example/v1", None, "message", 0)
    keys = {answer_key(*given)}
    for at, other in enumerate(("referee", "https://other.example/v1", 0.5, "massage", 1)):
        keys.add(answer_key(*given[:at], other, *given[at + 1 :]))
    assert len(keys) == 6
    assert answer_key("umpire", "https://me:pass@judge.example/v1/", None, "message", 0) in keys


def test_means_are_over_stories_and_repeats(tmp_path: Path):
    values = iter([2, 4, 6, 8, 1, 1])
    with serving(lambda *_: Reply(content=changed(plot=next(values)))) as fake:
        judgements = Asked(fake, tmp_path).judge(COMPLETIONS, repeats=2)
    means, _ = judgement_tables(judgements, {})
    row = means.row(model="small", measure="plot")
    assert (row["value"], row["stories"], row["answers"]) == (5, 2, 4)
    assert (row["low"], row["high"]) == (3, 7)  # the means of the two stories
    assert means.row(model="large", measure="plot")["low"] == float("-inf")


@given(st.fixed_dictionaries(dict.fromkeys(CRITERIA, st.floats(0, 10))), st.text(max_size=9))
def test_valid_answers_are_read_whatever_is_around_them(values: dict[str, float], around: str):
    around = around.replace("{", "").replace("}", "")
    assert scores(around + json.dumps(values) + around) == values


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str):
    with pytest.raises(AnswerError):
        scores(text)
