"""The shape of a model and how it was trained, in words."""

from __future__ import annotations

from typing import Any

from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import DecoderConfig

Fact = tuple[str, str]  # a name and a value


def config_facts(config: DecoderConfig | CompressorConfig) -> list[Fact]:
    """The shape of a model."""
    if isinstance(config, CompressorConfig):
        return _compressor_facts(config)
    n_local = config.attention.count("local")
    attention = ", ".join(config.attention) if n_local else "all global"
    return [
        ("architecture", config.architecture),
        ("vocabulary", f"{config.n_vocab:,} tokens"),
        ("context", f"{config.n_ctx:,} positions"),
        ("width", f"{config.d_model:,}; MLP {config.d_mlp:,} ({config.activation})"),
        ("heads", f"{config.n_heads} of width {config.d_head} in each of {config.n_layers} layers"),
        *_differences(config),
        ("attention", attention),
        ("window", f"{config.window} keys in local layers" if n_local else "none"),
        ("output head", "tied to the token embedding" if config.tied else "untied"),
    ]


def _differences(config: DecoderConfig) -> list[Fact]:
    """In what a decoder differs from a GPT-2."""
    shared = config.n_heads // config.n_key_value_heads
    rotary = f"rotary, {config.rotary_dim} of {config.d_head} dimensions of a head"
    facts = {
        "keys and values": f"{config.n_key_value_heads} heads, each for {shared}"
        if shared > 1
        else "",
        "positions": "" if config.learned_positions else rotary,
        "norms": "RMSNorm" if config.norm == "rms" else "",
        "blocks": "attention and MLP in parallel" if config.parallel else "",
        "neurons": "gated" if config.gated else "",
        "scores": "divided by the number of the layer too" if config.scale_by_layer else "",
    }
    return [(name, value) for name, value in facts.items() if value]


def _compressor_facts(config: CompressorConfig) -> list[Fact]:
    return [
        ("architecture", "compressor: no hooked form, no certificate"),
        ("vocabulary", f"{config.n_vocab:,} tokens"),
        ("context", f"{config.n_ctx:,} tokens, read as {config.trunk.n_ctx:,} pairs"),
        ("width", f"{config.d_model:,}; MLPs {config.d_mlp:,}"),
        ("heads", f"{config.n_heads} of width {config.d_head} in each of {config.n_layers} layers"),
        ("output head", "tied to the token embedding" if config.tied else "untied"),
    ]


def training_facts(training: dict[str, Any]) -> list[Fact]:
    """The facts in ``training.json`` that we know the names of; any program may have written it."""
    recipe, data = _object(training, "recipe"), _object(training, "data")
    text = _object(data, "train")
    facts = {
        "recipe": recipe.get("name"),
        "text": data.get("source"),
        "stories": text.get("stories"),
        "tokens of text": text.get("tokens"),
        "step": training.get("step"),
        "tokens read": training.get("tokens"),
        "epochs": training.get("epochs"),
        "seconds": training.get("seconds"),
        "held-out nats per token": training.get("dev_nats_per_token"),
        "held-out bits per byte": training.get("dev_bits_per_byte"),
    }
    return [(name, _fact(value)) for name, value in facts.items() if value is not None]


def trained_without_blank_lines(training: dict[str, Any]) -> bool:
    """Whether ``training.json`` says that the training text had no blank lines; no record: False.

    The record is ``data.blank_lines``: true or false.
    """
    return _object(training, "data").get("blank_lines") is False


def trained_on(training: dict[str, Any]) -> str | None:
    """The name of the training text in ``training.json``: ``data.source``, if it is there."""
    source = _object(training, "data").get("source")
    return source if isinstance(source, str) else None


def _object(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def _fact(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)
