"""An open compressor."""

from __future__ import annotations

from tinyinterp.checkpoint import CompressorCheckpoint
from tinyinterp.model.open_checkpoint import OpenCheckpoint
from tinyinterp.network.compressor import Compressor, CompressorConfig


class CompressorModel(OpenCheckpoint[CompressorCheckpoint]):
    """An open checkpoint of a compressor: it can be measured and sampled, but not hooked."""

    @property
    def network(self) -> Compressor:
        """What predicts tokens, in evaluation mode."""
        return self.checkpoint.compressor

    @property
    def config(self) -> CompressorConfig:
        """Its shape."""
        return self.checkpoint.compressor.config
