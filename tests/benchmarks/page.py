"""``make bench``: every benchmark, one after the other, and the page that says what came out.

    python tests/benchmarks/page.py [--only NAME ...] [--results build/bench]

Each runs in a process of its own and writes ``NAME.json`` into the folder of results; the page,
``docs/performance.md``, is made from all that lie there. A section that was not measured again
stays, with the machine that it names. The machine should do nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from measured import Row

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "performance.md"
NAMES = (
    "commands", "size_speed", "head_speed", "neuron_speed", "training_speed", "training_quality",
    "evaluation_speed", "rouge_speed", "explore_speed",
)  # fmt: skip
HEAD = """# Performance

Made by `make bench` (`tests/benchmarks/page.py`), which you can run on your machine; nothing on
this page is written by hand. Each number is the median over rounds, with the smallest and the
largest in brackets. Machines are noisy, so a ratio is taken within each round. What is *asked
for* is a goal of the project, reached or not.
"""


def main() -> None:
    """Run the benchmarks, then write the page."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--results", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    for name in options.only:
        out = options.results / f"{name}.json"
        subprocess.run([sys.executable, HERE / f"{name}.py", "--out", out], check=True)
    found = {name: options.results / f"{name}.json" for name in NAMES}
    results = [json.loads(path.read_text("utf-8")) for path in found.values() if path.exists()]
    PAGE.write_text(page(results, PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")


def page(results: list[dict[str, Any]], before: str = "") -> str:
    """The page of some results, and of the sections before that none of them replaces."""
    sections = {part.split("\n")[0]: f"## {part.rstrip()}\n" for part in before.split("\n## ")[1:]}
    for result in results:
        lines = [f"## {result['title']}", "", result["about"], "", _machine(result["machine"]), ""]
        lines += ["| | median (spread) | asked for |", "| --- | --- | --- |"]
        for each in result["rows"]:
            row = Row(each["what"], each["unit"], tuple(each["values"]), each["asked"])
            lines.append(f"| {row.what} | {row.words} | {row.asked} |")
        sections[result["title"]] = "\n".join(lines) + "\n"
    return "\n".join([HEAD, *sections.values()])


def _machine(given: dict[str, Any]) -> str:
    model = f", model {given['model']}" if given["model"] else ""
    fast = f" ({', '.join(given['instructions'])})" if given["instructions"] else ""
    return (
        f"On {given['processor']}{model}{fast}: {given['cores']} cores, {given['threads']} "
        f"threads, torch {given['torch']}; load {given['load']:g} at the end."
    )


if __name__ == "__main__":
    main()
