"""A model with all that belongs to it: network, tokenizer, hooked form, certificate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from tinyinterp import checkpoint as checkpoints
from tinyinterp import hub
from tinyinterp.checkpoint import Checkpoint, CompressorCheckpoint
from tinyinterp.compressor import Compressor, CompressorConfig
from tinyinterp.decoder import Decoder, DecoderConfig, count_parameters
from tinyinterp.tokenizer import Tokenizer

if TYPE_CHECKING:
    from tinyinterp.certificate import Certificate
    from tinyinterp.hooked import HookedTransformer

BUNDLED_NAME = "bundled"


AnyCheckpoint = TypeVar("AnyCheckpoint", Checkpoint, CompressorCheckpoint)


@dataclass(frozen=True, eq=False, repr=False)
class _Opened(Generic[AnyCheckpoint]):
    checkpoint: AnyCheckpoint
    name: str  # as it was asked for: a hub name, a folder's name, or "bundled"

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to tokens and back."""
        return self.checkpoint.tokenizer

    @property
    def folder(self) -> Path:
        """Where the checkpoint lies."""
        return self.checkpoint.folder

    @property
    def fingerprint(self) -> str:
        """SHA-256 over configuration and weights."""
        return self.checkpoint.fingerprint


class Model(_Opened[Checkpoint]):
    """An open checkpoint. The hooked form is made, and certified, when first asked for."""

    @property
    def decoder(self) -> Decoder:
        """Our own implementation, in evaluation mode."""
        return self.checkpoint.decoder

    @property
    def network(self) -> Decoder:
        """What predicts tokens: the decoder, under the name that a compressor has too."""
        return self.checkpoint.decoder

    @property
    def config(self) -> DecoderConfig:
        """Its shape."""
        return self.checkpoint.decoder.config

    @property
    def hooked(self) -> HookedTransformer:
        """The same model as an unprocessed ``HookedTransformer``, certified; takes seconds once.

        Raises:
            CertificateError: the converted model differs; the message has the numbers.
        """
        return self._conversion[0]

    @property
    def certificate(self) -> Certificate:
        """How close the hooked form is to the original. Raises like :attr:`hooked`."""
        return self._conversion[1]

    @cached_property
    def _conversion(self) -> tuple[HookedTransformer, Certificate]:
        from tinyinterp.hooked import convert

        return convert(self.checkpoint)

    def __repr__(self) -> str:
        config = self.config
        n_local = config.attention.count("local")
        attention = f"{n_local} local, window {config.window}" if n_local else "all global"
        return (
            f"Model({self.name!r}, {config.architecture}, {config.n_layers} layers ({attention}), "
            f"{config.d_model} wide, {config.n_heads} heads, {config.n_ctx} positions, "
            f"{config.n_vocab:,} tokens, {count_parameters(config).total:,} parameters, "
            f"fingerprint {self.fingerprint[:12]})"
        )


class CompressorModel(_Opened[CompressorCheckpoint]):
    """An open checkpoint of a compressor: it can be measured and sampled, but not hooked."""

    @property
    def network(self) -> Compressor:
        """What predicts tokens, in evaluation mode."""
        return self.checkpoint.compressor

    @property
    def config(self) -> CompressorConfig:
        """Its shape."""
        return self.checkpoint.compressor.config


def load(ckpt: str | Path | None = None) -> Model:
    """Open the bundled model, a checkpoint folder, or a model of the Hugging Face hub by its name.

    Raises:
        CheckpointError: there is no such model, or it cannot be read.
        TokenizerError: its tokenizer cannot be read.
    """
    folder = hub.find(ckpt)
    return Model(checkpoints.load(folder), _name(ckpt, folder))


def load_any(ckpt: str | Path | None = None) -> Model | CompressorModel:
    """The same as :func:`load`, and a compressor where there is one."""
    folder = hub.find(ckpt)
    opened, name = checkpoints.load_any(folder), _name(ckpt, folder)
    return Model(opened, name) if isinstance(opened, Checkpoint) else CompressorModel(opened, name)


def _name(ckpt: str | Path | None, folder: Path) -> str:
    if ckpt is None:
        return BUNDLED_NAME
    return folder.resolve().name if Path(ckpt).expanduser().is_dir() else str(ckpt)
