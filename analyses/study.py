"""What a study is: it says what it needs, measures, and is made anew when that has changed.

``python -m analyses.NAME`` makes its table; ``python -m analyses --missing`` makes those that
are missing or were made of other inputs. The notes of a table have the command, seeds, processor
and the fingerprints of its inputs: the names of files, never where they lie.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from analyses.inputs import Inputs, add_options, file_digest
from analyses.train_models import RECORDS, processor, records
from tinyinterp.errors import SelectionError, TinyinterpError
from tinyinterp.io.files import write_text
from tinyinterp.io.table import Table
from tinyinterp.views import style

TABLE = (".csv", ".parquet", ".json")
Row = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """What a study found: the rows of its table, its picture, a page of text, further tables.

    ``interval`` says what the intervals are over and how many seeds there were, or why there are
    none; no table is without it.
    """

    rows: Sequence[Row]
    interval: str
    picture: Figure | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    page: str | None = None
    also: Sequence[Table] = ()


@dataclass(frozen=True)
class Study:
    """A table, mostly with a picture.

    Args:
        name: of the module and of what it writes.
        about: a line.
        measure: does it.
        models: names of :mod:`analyses.train_models`; it measures those that are there.
        least: how many of them must be there; None: all.
        about_some: those of them that it is about; the others stand beside them.
        texts: ``text``, ``valid`` or both.
        files: that it reads of the folder of figures.
        assets: that it reads of the package.
        picture: whether it draws.
        page: whether it writes a page.
        also: names of further tables.
        limit: how much of a text is read, in the study's own unit; ``--full`` reads all.
        seed: of its random draws.
    """

    name: str
    about: str
    measure: Callable[[Inputs], Made]
    models: tuple[str, ...] = ()
    least: int | None = None
    about_some: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    assets: tuple[Path, ...] = ()
    picture: bool = True
    page: bool = False
    also: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = 0

    def present(self, inputs: Inputs) -> tuple[str, ...]:
        """Those of its models that are finished."""
        known = inputs.records()
        return tuple(name for name in self.models if name in known)

    def lacks(self, inputs: Inputs) -> str:
        """What it cannot do without and has not; empty if there is nothing."""
        for name in self.texts:
            path = getattr(inputs, name)
            if path is None or not path.exists():
                return f"--{name} FILE is needed" if path is None else f"{path.name} is absent"
        for name in self.files:
            if not (inputs.figures / name).exists():
                return f"{name} is absent"
        present = self.present(inputs)
        if len(present) < (len(self.models) if self.least is None else self.least):
            absent = ", ".join(n for n in self.models if n not in present)
            return f"not trained: {absent}"
        if self.about_some and not set(self.about_some) & set(present):
            return f"not trained: {', '.join(self.about_some)}"
        return ""

    def inputs_of(self, inputs: Inputs) -> dict[str, Any]:
        """The fingerprints of everything that it reads."""
        found: dict[str, Any] = {
            "models": {name: inputs.fingerprint(name) for name in self.present(inputs)},
            "files": {n: file_digest(inputs.figures / n) for n in self.files},
            "limit": inputs.limit,
            "seed": self.seed,
        }
        if self.assets:
            found["assets"] = {path.name: file_digest(path) for path in self.assets}
        for name in self.texts:
            path = getattr(inputs, name)
            found[name] = {"name": path.name, "sha256": file_digest(path)}
        return found

    def written(self, figures: Path) -> list[Path]:
        """The files that it writes."""
        endings = (*TABLE, *[".png"] * self.picture, *[".md"] * self.page)
        own = [figures / f"{self.name}{ending}" for ending in endings]
        return own + [figures / f"{name}{ending}" for name in self.also for ending in TABLE]

    def state(self, inputs: Inputs) -> str:
        """Why it is to be made; empty if what is there was made of the same inputs."""
        if absent := [p.name for p in self.written(inputs.figures) if not p.exists()]:
            return f"{absent[0]} is missing"
        known = self._notes(inputs.figures).get("inputs")
        return "" if known == self.inputs_of(inputs) else "its inputs have changed"

    def loses(self, inputs: Inputs) -> list[str]:
        """Models that the table has and that are absent here."""
        if any(not path.exists() for path in self.written(inputs.figures)):
            return []
        known = self._notes(inputs.figures).get("inputs", {}).get("models", {})
        present = self.present(inputs)
        return [name for name in known if name not in present]

    def _notes(self, figures: Path) -> dict[str, Any]:
        return json.loads((figures / f"{self.name}.json").read_text("utf-8"))["notes"]

    def run(self, inputs: Inputs) -> None:
        """Measure and write.

        Raises:
            SelectionError: a text, a file or a checkpoint that it needs is absent.
        """
        if lacking := self.lacks(inputs):
            raise SelectionError(f"{self.name}: {lacking}")
        present = self.present(inputs)
        given = replace(inputs, models=present)
        before = self.inputs_of(inputs)
        made = self.measure(given)
        seeds = sorted({given.record(n).get("seed", 0) for n in present})
        notes = {
            "study": self.name,
            "command": self._command(inputs),
            "seed": self.seed,
            "seeds_of_models": seeds,
            "absent": [n for n in self.models if n not in present],
            "processor": processor(),
            "inputs": before,
            **made.notes,
            "interval": made.interval,
        }
        for table in (*made.also, Table(self.name, made.rows)):
            Table(table.name, list(table), notes=notes | table.notes).write(inputs.figures)
        if made.picture is not None:
            style.save(made.picture, inputs.figures / f"{self.name}.png")
        if made.page is not None:
            write_text(inputs.figures / f"{self.name}.md", made.page)
        if present:
            known = records(inputs.measured) | {name: given.record(name) for name in present}
            write_text(inputs.measured / RECORDS, json.dumps(known, indent=1) + "\n")

    def _command(self, inputs: Inputs) -> str:
        """What makes the same table, files without their folders."""
        words = [f"python -m analyses.{self.name}"]
        words += [f"--{name} {getattr(inputs, name).name}" for name in self.texts]
        return " ".join([*words, *(["--full"] if self.limit and inputs.limit is None else [])])

    def main(self) -> None:
        """The study as a command."""
        parser = argparse.ArgumentParser(prog=f"analyses.{self.name}", description=self.about)
        add_options(parser)
        options = parser.parse_args()
        self.run(inputs_from(options, self))
        print(f"{self.name}: written")


def run_missing(studies: Sequence[Study], options: argparse.Namespace) -> list[str]:
    """Make what is missing or was made of other inputs; the names of what was made."""
    made = []
    for study in studies:
        inputs = inputs_from(options, study)
        if lacking := study.lacks(inputs):
            print(f"{study.name}: skipped, {lacking}", flush=True)
        elif absent := study.loses(inputs):
            print(f"{study.name}: skipped, its table also has {', '.join(absent)}", flush=True)
        elif why := study.state(inputs):
            try:
                study.run(inputs)
            except TinyinterpError as error:
                print(f"{study.name}: failed, {error}", flush=True)
            else:
                made.append(study.name)
                print(f"{study.name}: made, because {why}", flush=True)
        else:
            print(f"{study.name}: skipped, nothing has changed", flush=True)
    return made


def inputs_from(options: argparse.Namespace, study: Study) -> Inputs:
    """What the options say, for one study."""
    limit = None if options.full else study.limit
    return Inputs(options.runs, options.text, options.valid, options.out, limit=limit)
