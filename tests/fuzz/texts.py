"""Texts of any bytes and format, and what a judge and a server may answer."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import json
import lzma
from itertools import islice
from pathlib import Path
from random import Random

import pyarrow as pa
from fuzz.mutations import damaged_bytes, damaged_json
from fuzz.tables import damaged_table
from fuzz.targets import Target
from fuzz.training import damaged_lines
from models import STORIES
from pyarrow import parquet

from tinyinterp.errors import CorpusError
from tinyinterp.evaluation.instructions import check_story, read_examples
from tinyinterp.evaluation.judge.answers import CRITERIA, AnswerError, read_answer
from tinyinterp.evaluation.judge.cache import Answer, AnswerCache, answer_key
from tinyinterp.evaluation.judge.server import _object, _text, _usage
from tinyinterp.evaluation.openings import Completion, read_completions, write_completions
from tinyinterp.evaluation.prompt_sets import bundled_prompts, read_prompts
from tinyinterp.explore.questions import asked, question, real, whole
from tinyinterp.text.notes import Notes
from tinyinterp.text.stories import read_stories

INSTRUCTIONS = (
    "Words: dog, cat\nFeatures: Dialogue\nSummary: A dog ran.\nStory:\nThe dog ran. “Hi,” it said.",
    "Random sentence: The sun was warm.\nStory:\nThe sun was warm.",
)
ANSWER = json.dumps({"choices": [{"message": {"content": "{}"}}], "usage": {"prompt_tokens": 3}})
SCORES = dict.fromkeys(CRITERIA, 7.5)
KEY = answer_key("m", "http://localhost:1/v1", 0.0, "a message", 0)


def targets(base: Path) -> list[Target]:
    """Those of texts and answers."""
    texts, instruct, judged, sets = (
        base / name for name in ("texts", "instruct", "judged", "sets")
    )
    for folder in (texts, instruct, judged, sets):
        folder.mkdir()
    plain = "\n<|endoftext|>\n".join(STORIES).encode()
    lines = "".join(f"{json.dumps({'text': story})}\n" for story in STORIES).encode()
    table = pa.BufferOutputStream()
    parquet.write_table(pa.table({"text": list(STORIES)}), table)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_file(stream, pa.schema([("text", pa.string())])) as writer:
        writer.write_table(pa.table({"text": list(STORIES)}))
    contents = {
        "a.txt": plain, "utf16.txt": plain.decode().encode("utf-16"), "b.jsonl": lines,
        "c.json": json.dumps([{"text": story} for story in STORIES]).encode(),
        "d.csv": b'text,n\n"One, two",3\n"a ""b""",4\n', "e.parquet": table.getvalue().to_pybytes(),
        "f.arrow": stream.getvalue().to_pybytes(), "g.txt.gz": gzip.compress(plain),
        "h.txt.bz2": bz2.compress(plain), "i.txt.xz": lzma.compress(plain),
    }  # fmt: skip
    for name, content in contents.items():
        (texts / name).write_bytes(content)
    json_damage = {"b.jsonl": damaged_lines, "c.json": damaged_json, "e.parquet": damaged_table}
    saved = base / "saved_set"
    saved.mkdir()
    (saved / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (saved / "dataset_info.json").write_text("{}")
    (saved / "data.arrow").write_bytes(contents["f.arrow"])
    (instruct / "a.txt").write_bytes("\n<|endoftext|>\n".join(INSTRUCTIONS).encode())
    (judged / "answer.json").write_text(json.dumps(SCORES))
    (judged / "server.json").write_text(ANSWER)
    (judged / "question.json").write_text(json.dumps({"text": "a", "off": ["L0H1"], "layer": 1}))
    AnswerCache(judged / "cache").put(KEY, "m", 0, Answer(SCORES, "text", 3, 4))
    cached = (judged / "cache" / KEY[:2] / f"{KEY}.json").relative_to(judged).as_posix()
    (sets / "prompts.jsonl").write_bytes(
        b"\n".join(bundled_prompts().read_bytes().split(b"\n")[:5])
    )
    write_completions(sets / "done.jsonl", [Completion("m", "0.4", 7, "One", " a cat.", " b.")])
    return [
        Target(
            "texts",
            texts,
            _Texts(texts),
            {n: json_damage.get(n, damaged_bytes) for n in contents},
            share=3,
        ),
        Target(
            "saved data set",
            saved,
            _read_saved,
            {"state.json": _damaged_state, "data.arrow": damaged_bytes},
        ),
        Target("instruct data", instruct, _read_instruct, {"a.txt": damaged_bytes}),
        Target(
            "judge's answers",
            judged,
            _read_answers,
            dict.fromkeys(("answer.json", "server.json", "question.json", cached), damaged_json),
            share=2,
        ),
        Target(
            "prompts and completions",
            sets,
            _read_sets,
            {"prompts.jsonl": damaged_lines, "done.jsonl": damaged_lines},
        ),
    ]


class _Texts:
    """Reads the file that differs from the valid one; to read all would take ten times as long."""

    def __init__(self, folder: Path) -> None:
        self._valid = {path.name: path.read_bytes() for path in folder.iterdir()}

    def __call__(self, folder: Path) -> None:
        for name, content in self._valid.items():
            if (folder / name).read_bytes() != content:
                _read(folder / name)


def _read(path: Path) -> None:
    for story in islice(read_stories(path, notes=Notes(path.name)), 50):
        story.encode()


def _read_saved(folder: Path) -> None:
    _read(folder)


def _damaged_state(random: Random, content: bytes) -> bytes:
    if random.random() < 0.5:
        return damaged_json(random, content)
    name = random.choice(["../texts/f.arrow", "/etc/passwd", "", "..", "x" * 5000, "a\0b"])
    return json.dumps({"_data_files": [{"filename": name}]}).encode()


def _read_instruct(folder: Path) -> None:
    texts = list(read_stories(folder / "a.txt", notes=Notes("a")))
    for asked_for, story in read_examples(texts):
        check_story(asked_for, story)


def _read_answers(folder: Path) -> None:
    AnswerCache(folder / "cache").get(KEY, CRITERIA)
    text = (folder / "answer.json").read_bytes().decode("utf-8", "replace")
    body = (folder / "server.json").read_bytes().decode("utf-8", "replace")
    with contextlib.suppress(AnswerError):  # the judge is asked again
        read_answer(text, CRITERIA)
    with contextlib.suppress(AnswerError):
        found = _object(body)
        _usage(found)
        _text(found)
    given = question((folder / "question.json").read_bytes())
    asked(given)
    whole(given, "layer", 0)
    real(given, "layer", 0.0)


def _read_sets(folder: Path) -> None:
    refusals = []
    for read, name in ((read_prompts, "prompts.jsonl"), (read_completions, "done.jsonl")):
        try:
            read(folder / name)
        except CorpusError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]
