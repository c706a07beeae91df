"""What the two documents published, as numbers, each with its source (``docs/sources.md``)."""

from __future__ import annotations

from dataclasses import dataclass

REPORT = "the TinyStories student report"
CODE = f"{REPORT}'s public code and its output, not its text"
GPT_NEO = "the description of the 41-million GPT-Neo"


@dataclass(frozen=True)
class Size:
    """A row of Table 1; the scores are Gemini 1.5 Flash's, 0 to 10."""

    name: str  # width, layers, heads
    loss: float  # "Eval Loss", nats per token of a vocabulary that the report does not give
    creativity: float
    grammar: float
    consistency: float
    plot: float


@dataclass(frozen=True)
class Scores:
    """A judge's scores of a model, 0 to 10."""

    name: str
    grammar: float
    creativity: float
    consistency: float
    plot: float
    source: str


@dataclass(frozen=True)
class Rouge:
    """Mean ROUGE-2 over 100 stories: with the original, and the largest with another generation."""

    name: str
    original: float
    other: float


SIZES_SOURCE = f"{REPORT}, Table 1"
SIZES = (
    Size("128-8-4", 2.00, 1.9, 2.7, 1.8, 2.1),
    Size("128-12-4", 1.96, 2.1, 3.15, 2.55, 2.15),
    Size("256-8-2", 1.60, 2.4, 4.8, 4.55, 3.45),
    Size("256-8-4", 1.59, 2.15, 3.85, 3.7, 2.65),
    Size("256-8-8", 1.58, 2.5, 5.6, 5.75, 3.5),
    Size("256-12-4", 1.55, 2.25, 4.9, 4.2, 2.8),
    Size("512-8-4", 1.33, 2.6, 5.85, 4.7, 3.65),
    Size("512-12-4", 1.30, 2.55, 6.0, 5.8, 4.2),
)
LOSSES = {size.name: size.loss for size in SIZES}

_TABLE_6 = f"{REPORT}, Table 6"
COMPRESSORS = (
    Scores("compressor-128", 1.85, 1.9, 1.5, 1.3, _TABLE_6),
    Scores("compressor-256", 2.6, 2.1, 2.02, 1.6, _TABLE_6),
    Scores("compressor-512", 3.5, 2.21, 2.6, 2.25, _TABLE_6),
)
PRETRAINED = (
    Scores("gpt2", 1.7, 1.0, 2.0, 1.05, CODE),
    Scores("gpt2-medium", 3.1, 1.0, 4.4, 1.2, CODE),
    Scores("gpt2-large", 5.3, 1.1, 7.6, 1.95, CODE),
)

INSTRUCT_SOURCE = CODE
INSTRUCT = {128: 0.5, 256: 1.5, 512: 1.9}  # following of instructions by width, 0 to 10

ROUGE_SOURCE = CODE
ROUGE = (
    Rouge("128-8", 0.346, 0.348),
    Rouge("128-12", 0.408, 0.311),
    Rouge("256-8", 0.414, 0.247),
    Rouge("256-12", 0.417, 0.240),
    Rouge("512-8", 0.443, 0.221),
    Rouge("512-12", 0.431, 0.218),
)

MEMORY_SOURCE = f"{REPORT}, Table 5"
BATCHES = (2, 4, 8, 16, 32)
MEMORY: dict[tuple[str, int], tuple[int | None, ...]] = {  # MB by model, width; None: out of memory
    ("decoder", 128): (904, 2465, 4845, 9606, None),
    ("decoder", 256): (1076, 2930, 5691, None, None),
    ("decoder", 512): (1448, 3933, 7463, None, None),
    ("compressor", 128): (457, 1272, 2361, 4517, 8831),
    ("compressor", 256): (720, 1936, 3451, 6471, None),
    ("compressor", 512): (1351, 3408, 5781, 10529, None),
}

PARAMETERS_SOURCE = f"{GPT_NEO}, its table"
PARAMETERS = {  # by preset, then by part
    "gptneo-41m-full-vocabulary": {
        "embeddings": 38_990_592, "blocks": 28_342_272, "output": 38_598_912, "total": 105_931_776,
    },
    "gptneo-41m": {
        "embeddings": 6_537_984, "blocks": 28_342_272, "output": 6_146_304, "total": 41_026_560,
    },
}  # fmt: skip
GPT_NEO_LOSSES = {"train": 1.4, "valid": 1.5}  # nats per token after one epoch, "~"
GPT_NEO_LOSSES_SOURCE = f"{GPT_NEO}, its text"
COVERAGE_SOURCE = f"{GPT_NEO}, its text"
COVERAGE = {8_000: 0.998, 10_000: 0.999}  # share of words that so many tokens cover
