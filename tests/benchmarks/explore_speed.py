"""Seconds until the explorer has answered a changed text of 100 tokens, over its own HTTP server.

    python tests/benchmarks/explore_speed.py [--rounds 9] [--out FILE.json]

What the page asks after a change of text: the run (tokens, predictions, lens, patterns, neurons),
and the direct effects of its last token. Each round asks with another last word, so that nothing is
kept from the round before; the means and usual activations are measured first. Half a second is
asked for.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from measured import Row, report

import tinyinterp
from tinyinterp.explore.explorer import Explorer
from tinyinterp.explore.serve import Serving
from tinyinterp.explore.tables import read_tables
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories

TOKENS = 100
ENDINGS = ("big", "red", "old", "new", "sad", "shy", "wet", "hot", "bad", "fun", "sun", "dog")


def main() -> None:
    """Serve, ask, print the medians."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    model = tinyinterp.load()
    story = next(each for each in read_stories(bundled_stories()) if len(each) > 1_000)
    ids = model.read(story).ids[1 : TOKENS + 1]
    text = model.tokenizer.decode(list(ids))
    explorer = Explorer(model, read_tables(model, None, None))
    serving = Serving(explorer)
    thread = threading.Thread(target=serving.run, args=(lambda: None,))
    thread.start()

    def ask(path: str, **body: Any) -> tuple[float, dict[str, Any]]:
        begun = time.perf_counter()
        token = serving.address.split("token=")[1]
        request = urllib.request.Request(
            f"http://127.0.0.1:{serving.port}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json", "x-tinyinterp-token": token},
        )
        with urllib.request.urlopen(request, timeout=600) as reply:
            answer = json.loads(reply.read())
        return time.perf_counter() - begun, answer

    try:
        ask("/api/run", text=text, off=["L6H7"], instead="mean")  # waits for the means
        runs, effects = [], []
        for number in range(options.rounds):
            changed = f"{text} {ENDINGS[number % len(ENDINGS)]}"
            seconds, answer = ask("/api/run", text=changed, off=[], instead="mean")
            runs.append(seconds)
            last = len(answer["tokens"]) - 1
            effects.append(
                ask("/api/attribution", text=changed, off=[], position=last, token=13)[0]
            )
    finally:
        serving.stop()
        thread.join()
    rows = [
        Row("the run", "s", tuple(runs), "at most 0.5 s"),
        Row("direct effects of the last token", "s", tuple(effects)),
    ]
    about = f"Seconds until the page has its answer after a change of a text of {TOKENS} tokens."
    report("The explorer", about, rows, options.out)


if __name__ == "__main__":
    main()
