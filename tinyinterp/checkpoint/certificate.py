"""Proof that a converted model computes what the original computes.

The same tokens go through both models, and everything that a study reads is compared at every
layer. Three comparisons make a certificate: fp32 and fp64 against our own decoder, and fp32 against
the model that ``transformers`` builds from the same files, which shares no code with either. In
fp64 rounding is out of the way, so that a limit of 1e-9 admits no mistake; ``transformers``
takes no part there, because its GPT-Neo always computes attention in fp32.

The logits alone would not show every mistake: a text holds only some of the tokens, and a wrong key
bias or window edge may leave a pattern unchanged. So embeddings are compared row by row, and
attention scores (with which keys are masked) beside the patterns.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.checkpoint.reference import open_with_transformers
from tinyinterp.errors import CertificateError
from tinyinterp.network.attention import rotations
from tinyinterp.network.decoder import Decoder

LIMIT_FP32 = 1e-4
LIMIT_FP64 = 1e-9
BEYOND_WINDOW = 70  # positions past a local layer's window, so that its far edge is seen
STORY = """\
Once upon a time there was a little girl named Nora who lived by the sea with her grandfather. \
Every morning they walked along the beach and looked for shells. One day, Nora found a small \
green bottle in the sand. "Look, Grandpa!" she said. "There is a letter inside!" Her grandfather \
smiled and helped her pull out the cork. The letter was from a boy on an island. He had no \
friends to play with, and he asked whoever found the bottle to write back.

Nora ran home, sat down at the table and wrote three pages about the shells, the gulls and her \
grandfather's old boat. The next day they sailed out and let the bottle go where the water was \
deep and blue. They waited and waited. When spring came, a red bottle lay on the beach. "Dear \
Nora," the letter said, "now I have a friend." Nora laughed and danced in the sand until the sun \
went down.
"""


@dataclass(frozen=True)
class Comparison:
    """Relative differences ``max|a - b| / max(1, max|a|)`` of a model from a reference ``a``.

    ``residual`` is the stream before each layer and after the last; ``scores`` and ``pattern`` have
    one value a layer. Empty where the reference does not show a quantity. A key masked in one model
    only is an infinite difference.
    """

    reference: str
    limit: float
    logits: float
    residual: tuple[float, ...]
    pattern: tuple[float, ...]
    scores: tuple[float, ...] = ()
    embeddings: tuple[float, ...] = ()  # of tokens, of positions or their angles: all rows

    @property
    def worst(self) -> dict[str, float]:
        """The largest difference of each quantity."""
        quantities = {
            "logits": (self.logits,),
            "residual": self.residual,
            "pattern": self.pattern,
            "scores": self.scores,
            "embeddings": self.embeddings,
        }
        return {name: max(values) for name, values in quantities.items() if values}

    @property
    def passed(self) -> bool:
        """Whether every difference is below the limit."""
        return all(value < self.limit for value in self.worst.values())

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:.1e}" for name, value in self.worst.items())
        verdict = "all below" if self.passed else "NOT all below"
        return f"{self.reference}: {numbers} ({verdict} {self.limit:.0e})"

    def require(self, name: str) -> Comparison:
        """Itself, where it passed; ``name`` is the model's.

        Raises:
            CertificateError: a difference is too large; the message has the numbers.
        """
        if self.passed:
            return self
        raise CertificateError(
            f"{name} is not read as its writer meant it: largest relative difference from {self}; "
            "nothing was measured: please report it with config.json"
        )


@dataclass(frozen=True)
class Certificate:
    """What was compared, of which checkpoint, and how far apart it was."""

    fingerprint: str  # of the checkpoint, see :func:`tinyinterp.checkpoint.fingerprint`
    tokens: int  # of real text that went through the models
    fp32: Comparison  # with our own decoder
    fp64: Comparison  # with our own decoder
    transformers: Comparison  # with the model that transformers builds, in fp32

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """All three."""
        return (self.fp32, self.fp64, self.transformers)

    @property
    def passed(self) -> bool:
        """Whether all comparisons passed."""
        return all(comparison.passed for comparison in self.comparisons)

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        title = (
            f"conversion {verdict} on {self.tokens} tokens, checkpoint {self.fingerprint[:12]}; "
            "largest relative difference from"
        )
        return "\n".join([title, *(f"  {comparison}" for comparison in self.comparisons)])

    def require(self) -> Certificate:
        """Itself.

        Raises:
            CertificateError: a comparison failed; the message has the numbers.
        """
        if self.passed:
            return self
        failed = "; ".join(str(c) for c in self.comparisons if not c.passed)
        raise CertificateError(
            f"the converted model is not the checkpoint {self.fingerprint[:12]}: largest relative "
            f"difference from {failed}; it was refused: please report it with config.json"
        )


def certify(checkpoint: Checkpoint, converted: Callable[[torch.dtype], nn.Module]) -> Certificate:
    """Compare an unprocessed ``HookedTransformer`` with the checkpoint it was made from.

    Args:
        checkpoint: the original, which is not changed.
        converted: gives a copy of the converted model in a precision.

    Raises:
        UncheckedError: ``transformers`` cannot open the checkpoint's folder.
    """
    tokens = certificate_tokens(checkpoint)
    single, double = converted(torch.float32), converted(torch.float64)
    return Certificate(
        checkpoint.fingerprint,
        tokens.shape[1],
        fp32=_with_decoder(checkpoint.decoder, single, tokens, torch.float32),
        fp64=_with_decoder(checkpoint.decoder, double, tokens, torch.float64),
        transformers=_with_transformers(checkpoint, single, tokens),
    )


def compare_with_transformers(checkpoint: Checkpoint) -> Comparison:
    """Compare our decoder, unconverted, with the model that ``transformers`` builds; in fp32.

    Raises:
        UncheckedError: ``transformers`` cannot open the checkpoint's folder.
    """
    tokens = certificate_tokens(checkpoint)
    return _with_transformers(checkpoint, checkpoint.decoder, tokens)


def certificate_tokens(checkpoint: Checkpoint) -> Int[Tensor, "1 position"]:
    """A start token and a story, repeated if need be to reach past the window of a local layer."""
    config = checkpoint.decoder.config
    window = config.window if "local" in config.attention else 2 * BEYOND_WINDOW
    length = min(config.n_ctx, window + BEYOND_WINDOW)
    story = [*checkpoint.tokenizer.front, *checkpoint.tokenizer.encode(STORY).ids]
    repeated = story * (length // len(story) + 1)
    device = checkpoint.decoder.embed.weight.device
    return torch.tensor([repeated[:length]], device=device)


def relative_difference(a: Tensor, b: Tensor) -> float:
    """``max|a - b| / max(1, max|a|)``, where minus infinity (a masked score) must be in both.

    Infinite for a mask or a shape that differs, and for any value that is no finite number.
    """
    masked = a == -torch.inf
    if a.shape != b.shape or not torch.equal(masked, b == -torch.inf):
        return math.inf
    a, b = a.masked_fill(masked, 0).double(), b.masked_fill(masked, 0).double()
    difference = ((a - b).abs().max() / a.abs().max().clamp(min=1)).item()
    return difference if math.isfinite(difference) else math.inf


def _with_decoder(
    decoder: Decoder, hooked: nn.Module, tokens: Tensor, dtype: torch.dtype
) -> Comparison:
    reference = copy.deepcopy(decoder).to(dtype).eval()
    n_layers = decoder.config.n_layers
    residual = [f"blocks.{layer}.hook_resid_pre" for layer in range(n_layers)]
    residual.append(f"blocks.{n_layers - 1}.hook_resid_post")
    pattern = [f"blocks.{layer}.attn.hook_pattern" for layer in range(n_layers)]
    scores = [f"blocks.{layer}.attn.hook_attn_scores" for layer in range(n_layers)]
    names = residual + pattern + scores
    expected, expected_logits = _run(reference, tokens, names)
    found, logits = _run(hooked, tokens, names)
    name, limit = ("fp64", LIMIT_FP64) if dtype == torch.float64 else ("fp32", LIMIT_FP32)
    return Comparison(
        reference=f"our decoder in {name}",
        limit=limit,
        logits=relative_difference(expected_logits, logits),
        residual=tuple(relative_difference(expected[n], found[n]) for n in residual),
        pattern=tuple(relative_difference(expected[n], found[n]) for n in pattern),
        scores=tuple(relative_difference(expected[n], found[n]) for n in scores),
        embeddings=(
            relative_difference(reference.embed.weight, hooked.get_parameter("embed.W_E")),
            *_positions(reference, hooked),
        ),
    )


def _positions(reference: Decoder, hooked: nn.Module) -> list[float]:
    """Relative difference of the position embeddings, or of the rotary tables in each layer."""
    config, weight = reference.config, reference.embed.weight
    if config.learned_positions:
        found = hooked.get_parameter("pos_embed.W_pos")
        return [relative_difference(reference.pos_embed.weight, found)]
    tables = rotations(
        config.n_ctx, config.rotary_dim, config.rotary_base, weight.device, weight.dtype
    )
    return [
        relative_difference(
            torch.cat((table, table), dim=1),
            hooked.get_buffer(f"blocks.{layer}.attn.rotary_{name}"),
        )
        for layer in range(config.n_layers)
        for name, table in zip(("cos", "sin"), tables, strict=True)
    ]


def _with_transformers(checkpoint: Checkpoint, engine: nn.Module, tokens: Tensor) -> Comparison:
    n_layers = checkpoint.decoder.config.n_layers
    residual = [f"blocks.{layer}.hook_resid_pre" for layer in range(n_layers)]
    pattern = [f"blocks.{layer}.attn.hook_pattern" for layer in range(n_layers)]
    found, logits = _run(engine, tokens, residual + pattern)
    model = open_with_transformers(checkpoint).to(tokens.device)
    with torch.no_grad():
        output = model(tokens, output_hidden_states=True, output_attentions=True, use_cache=False)
    # hidden_states ends with the stream after the final norm, which no hook point shows
    states, attentions = output.hidden_states[:n_layers], output.attentions
    return Comparison(
        reference="transformers in fp32",
        limit=LIMIT_FP32,
        logits=relative_difference(output.logits, logits),
        residual=tuple(
            relative_difference(a, found[n]) for a, n in zip(states, residual, strict=True)
        ),
        pattern=tuple(
            relative_difference(a, found[n]) for a, n in zip(attentions, pattern, strict=True)
        ),
    )


def _run(
    model: nn.Module, tokens: Tensor, names: list[str]
) -> tuple[dict[str, Tensor], Float[Tensor, "1 position n_vocab"]]:
    """Logits of ``tokens``, and the tensor at each hook name; both engines share the names."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            seen[name] = output

        return hook

    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        with torch.no_grad():
            logits = model(tokens)
    finally:
        for handle in handles:
            handle.remove()
    return seen, logits
