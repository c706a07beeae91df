"""A checkpoint folder as a whole: opened, written, fingerprinted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tinyinterp.checkpoint.description import (
    WEIGHTS,
    config_to_json,
    read_any_config,
    read_config,
    read_training,
)
from tinyinterp.checkpoint.names import from_hugging_face, to_hugging_face
from tinyinterp.checkpoint.nanogpt import from_linear, is_linear
from tinyinterp.checkpoint.others import require_checkpoint
from tinyinterp.checkpoint.stored import with_stored_head
from tinyinterp.checkpoint.weights import (
    fill,
    read_decoder_weights,
    read_weights,
    require_as_many,
)
from tinyinterp.errors import CheckpointError
from tinyinterp.io.files import replacing_files, replacing_folder, write_text
from tinyinterp.io.paths import expanded
from tinyinterp.io.tensors import write_tensors
from tinyinterp.network.compressor import Compressor, CompressorConfig
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.start import Start
from tinyinterp.text.tokenizer import Tokenizer

IMPORTED = "imported_from"  # in training.json: the program whose checkpoint was converted


@dataclass(frozen=True)
class Checkpoint:
    """A decoder with its tokenizer and where it came from."""

    decoder: Decoder
    tokenizer: Tokenizer
    folder: Path
    fingerprint: str  # SHA-256 over configuration and weights
    training: dict[str, Any]  # training.json, empty for a foreign model
    notes: tuple[str, ...] = ()  # sentences about what was read otherwise than its files say

    @property
    def is_foreign(self) -> bool:
        """Whether another program wrote its folder; a model made in memory has none."""
        ours = bool(self.training) and IMPORTED not in self.training
        return not ours and self.folder.is_dir()


@dataclass(frozen=True)
class CompressorCheckpoint:
    """A compressor with its tokenizer and where it came from."""

    compressor: Compressor
    tokenizer: Tokenizer
    folder: Path
    fingerprint: str
    training: dict[str, Any]
    notes: tuple[str, ...] = ()


def bundled_folder() -> Path:
    """Where the model that comes with the package lies."""
    return Path(__file__).parent.parent / "assets" / "model"


def load(
    folder: Path,
    dtype: torch.dtype = torch.float32,
    *,
    tokenizer: Path | None = None,
    start: Start | None = None,
) -> Checkpoint:
    """Open the checkpoint folder of a decoder, from any program.

    Args:
        folder: see :func:`tinyinterp.checkpoint.find.find` for names and the bundled model.
        dtype: of the parameters in memory; the files may hold 16 bits.
        tokenizer: the folder of its tokenizer, if that is another.
        start: what is put in front of a story; None: see :meth:`Tokenizer.open`.

    Raises:
        CheckpointError: it is missing, truncated, of another architecture, or its weights do not
            fit.
        TokenizerError: its tokenizer cannot be read.
    """
    require_checkpoint(folder)
    config = read_config(folder)
    weights, config, notes = with_stored_head(stored_weights(folder, config), config)
    require_as_many(weights, config.n_layers, folder)
    with torch.device("meta"):
        decoder = Decoder(config)
    fill(decoder, from_hugging_face(weights, config, folder), dtype, folder)
    opened, more = _tokenizer(folder, config.n_vocab, tokenizer, start)
    training = read_training(folder)
    return Checkpoint(decoder, opened, folder, fingerprint(folder), training, (*notes, *more))


def stored_weights(folder: Path, config: DecoderConfig) -> dict[str, Tensor]:
    """The weights under Hugging Face's names and in its shapes, as far as the files hold them.

    Args:
        folder: of the checkpoint.
        config: of ``config.json``.

    Raises:
        CheckpointError: a file cannot be read, or holds something else than finite plain floats.
    """
    weights = read_decoder_weights(folder)
    return from_linear(weights) if is_linear(weights, config) else weights


def load_any(
    folder: Path,
    dtype: torch.dtype = torch.float32,
    *,
    tokenizer: Path | None = None,
    start: Start | None = None,
) -> Checkpoint | CompressorCheckpoint:
    """Open the folder of a decoder or of a compressor; arguments and errors are :func:`load`'s."""
    require_checkpoint(folder)
    config = read_any_config(folder)
    if not isinstance(config, CompressorConfig):
        return load(folder, dtype, tokenizer=tokenizer, start=start)
    weights = read_weights(folder)
    require_as_many(weights, config.n_layers, folder)
    with torch.device("meta"):
        compressor = Compressor(config)
    fill(compressor, weights, dtype, folder)
    opened, notes = _tokenizer(folder, config.n_vocab, tokenizer, start)
    training = read_training(folder)
    return CompressorCheckpoint(
        compressor, opened, folder, fingerprint(folder), training, tuple(notes)
    )


def _tokenizer(
    folder: Path, n_rows: int, other: Path | None, start: Start | None
) -> tuple[Tokenizer, list[str]]:
    """The tokenizer, and what to note about it: special tokens that the model has no row for.

    ``[PAD]`` is often added to a tokenizer alone. Such a token is never in a text, so nothing is
    lost; any other token beyond the embedding would be.
    """
    place = folder if other is None else expanded(other)
    tokenizer = Tokenizer.open(place, start=start, model=folder, n_rows=n_rows)
    beyond = tokenizer.without_row(n_rows)
    if beyond or any(token >= n_rows for token in tokenizer.front):
        named = f" (no row for {beyond[0]!r})" if beyond else ""
        raise CheckpointError(
            f"{place}: the tokenizer has {tokenizer.n_vocab} tokens, the model {n_rows}{named}; "
            "they do not belong together"
        )
    added = tokenizer.backend.get_added_tokens_decoder()
    without_row = [each.content for token, each in sorted(added.items()) if token >= n_rows]
    if not without_row:
        return tokenizer, []
    named = ", ".join(map(repr, without_row[:3]))
    note = (
        f"the tokenizer has special tokens that the model has no row for ({named}); they are "
        "never read from a text"
    )
    return tokenizer, [note]


def save(
    folder: Path,
    model: Decoder | Compressor,
    tokenizer: Tokenizer,
    training: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a checkpoint folder; one that stood there is replaced, what lies beside it is kept.

    A decoder's weights have Hugging Face's names, a compressor's our own.
    """
    weights: dict[str, Tensor] = (
        to_hugging_face(model) if isinstance(model, Decoder) else dict(model.named_parameters())
    )
    replacing = replacing_files if folder.exists() else replacing_folder  # a new one is whole
    with replacing(folder) as new:
        config = config_to_json(model.config, tokenizer, dtype)
        write_text(new / "config.json", json.dumps(config, indent=2) + "\n")
        stored = {name: t.detach().to("cpu", dtype) for name, t in weights.items()}
        write_tensors(new / WEIGHTS, stored, {"format": "pt"})
        tokenizer.save(new)
        write_text(new / "training.json", json.dumps(dict(training), indent=2) + "\n")


def fingerprint(folder: Path) -> str:
    """SHA-256 over ``config.json`` and every weights file, in name order."""
    digest = hashlib.sha256()
    for path in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
