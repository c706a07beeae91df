"""Shapes of published models by name, and their parameters by part.

>>> parameter_table(PRESETS["gptneo-41m"]).row(part="total")
{'part': 'total', 'parameters': 41026560, 'percent': 100.0}
"""

from __future__ import annotations

from dataclasses import replace

from tinyinterp.io.table import Table
from tinyinterp.network.compressor import CompressorConfig, count_compressor_parameters
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import count_parameters

_GPTNEO_41M = DecoderConfig(  # 8,000 tokens of GPT-2's tokenizer and one for the rest
    n_vocab=8001, n_ctx=512, d_model=768, n_layers=4, n_heads=16, window=256, tied=False
)

PRESETS: dict[str, DecoderConfig] = {
    "bundled": DecoderConfig(
        n_vocab=8192, n_ctx=512, d_model=256, n_layers=8, n_heads=8, window=64, dropout=0.1
    ),
    "gptneo-41m": _GPTNEO_41M,
    "gptneo-41m-full-vocabulary": replace(_GPTNEO_41M, n_vocab=50257),
    "gptneo-33m": DecoderConfig(  # roneneldan/TinyStories-33M
        n_vocab=50257, n_ctx=2048, d_model=768, n_layers=4, n_heads=16, window=256
    ),
    "pythia-14m": DecoderConfig(  # EleutherAI/pythia-14m
        n_vocab=50304, n_ctx=2048, d_model=128, n_layers=6, n_heads=4, architecture="gpt_neox"
    ),
    "stories15m": DecoderConfig(  # karpathy/tinyllamas
        n_vocab=32000, n_ctx=256, d_model=288, n_layers=6, n_heads=6, d_mlp=768,
        architecture="llama", tied=True, layer_norm_eps=1e-5,
    ),
}  # fmt: skip


def parameter_table(config: DecoderConfig | CompressorConfig) -> Table:
    """Parameters by part, with the total: columns ``part, parameters, percent``.

    A tied output head is counted once, with the embeddings; ``output`` is then the final norm.
    """
    if isinstance(config, CompressorConfig):
        counts = count_compressor_parameters(config)
    else:
        count = count_parameters(config)
        counts = {"embeddings": count.embeddings, "blocks": count.blocks, "output": count.output}
    total = sum(counts.values())
    rows = [
        {"part": part, "parameters": number, "percent": round(100 * number / total, 1)}
        for part, number in {**counts, "total": total}.items()
    ]
    return Table("parameters", rows)
