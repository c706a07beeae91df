"""The studies: list them, or make those that are missing.

    python -m analyses [--missing] [--runs runs/studies] [--text FILE] [--valid FILE]
        [--out figures] [--full]

``--missing`` makes every table and figure that is absent or whose inputs have changed, and says of
each of the others why it was skipped. See ``docs/studies.md``.
"""

from __future__ import annotations

import argparse
from importlib import import_module

from analyses.inputs import add_options
from analyses.study import Study, run_missing

NAMES = (
    "parameter_table",
    "vocabulary_coverage",
    "size_sweep",
    "prompts",
    "rouge",
    "proxies",
    "instruct",
    "contrastive",
    "compressor",
    "loss_curves",
    "heads_by_size",
    "report_versus_evidence",
    "formation",
    "neurons_by_size",
    "random_twin",
)


def studies() -> list[Study]:
    """All of them."""
    return [import_module(f"analyses.{name}").STUDY for name in NAMES]


def main() -> None:
    """List, or make."""
    parser = argparse.ArgumentParser(prog="analyses", description="The studies.")
    add_options(parser)
    parser.add_argument("--missing", action="store_true", help="make what is missing or changed")
    options = parser.parse_args()
    if options.missing:
        run_missing(studies(), options)
        return
    for study in studies():
        print(f"{study.name:24} {study.about}")


if __name__ == "__main__":
    main()
