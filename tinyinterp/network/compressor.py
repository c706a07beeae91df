"""The compressor: a language model whose trunk has half as many positions as there are tokens.

    tokens         x0        x1        x2        x3        x4        x5
                    │         └────┬────┘         └────┬────┘
    encoder      (x0,x0)        (x1,x2)             (x3,x4)           two tokens ► one latent
                    ▼              ▼                   ▼
    trunk           h0 ──────────► h1 ───────────────► h2             causal blocks
                  ┌─┴──┐        ┌──┴──┐             ┌──┴──┐
    decoder       h0  h0+x1     h1   h1+x3          h2   h2+x5        one latent ► two tokens
                  ▼    ▼        ▼     ▼             ▼     ▼
    predicts      x1   x2       x3    x4            x5    x6

Attention, whose memory grows with the square of the positions, runs at half the length. Tokens are
shifted by one before they are paired, and the first is doubled, so that latent ``k`` has read every
token up to ``2k``. Token ``2k+1`` is predicted from that latent alone, token ``2k+2`` from it and
token ``2k+1``: every token is predicted once, from all tokens before it, and the loss per token
means the same as a decoder's. After section 7 of the TinyStories student
report, "Improving memory efficiency" (see ``docs/sources.md``); its encoder and decoder were
transformers, here each is an MLP, and ``n_layers`` counts the trunk's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import cast

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from tinyinterp.errors import ConfigError
from tinyinterp.network.attention import KeyValueCache
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import MLP, Block
from tinyinterp.network.embedding import make_embedding


@dataclass(frozen=True)
class CompressorConfig:
    """The shape of a compressor. ``n_layers`` and ``n_heads`` are the trunk's."""

    n_vocab: int
    n_ctx: int  # tokens; the trunk has half as many positions, rounded up
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: int = 0  # 0: four times d_model
    tied: bool = True  # the output head is the token embedding
    layer_norm_eps: float = 1e-5
    dropout: float = field(default=0.0, compare=False)  # of latents and block outputs

    def __post_init__(self) -> None:
        if self.n_ctx < 1:
            raise ConfigError(f"n_ctx is {self.n_ctx}; it must be at least 1")
        object.__setattr__(self, "d_mlp", self.trunk.d_mlp)  # the trunk checks what it is given

    @property
    def trunk(self) -> DecoderConfig:
        """The shape of the trunk's blocks, which are a GPT-2's."""
        return DecoderConfig(
            n_vocab=self.n_vocab,
            n_ctx=(self.n_ctx + 1) // 2,
            d_model=self.d_model,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            d_mlp=self.d_mlp,
            architecture="gpt2",
            tied=self.tied,
            layer_norm_eps=self.layer_norm_eps,
            dropout=self.dropout,
        )

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads

    @property
    def scale_scores(self) -> bool:
        """Whether scores are divided by the square root of ``d_head``: yes, as in a GPT-2."""
        return self.trunk.scale_scores


class ResidualMLP(nn.Module):
    """The second half of a block: an MLP, read through a layer norm and added."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(config.d_model, config.layer_norm_eps)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, resid: Float[Tensor, "batch position d_model"]
    ) -> Float[Tensor, "batch position d_model"]:
        return resid + self.dropout(self.mlp(self.ln(resid)))


class PairEncoder(nn.Module):
    """Turns the embeddings of two neighbours into one latent."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.join = nn.Linear(2 * config.d_model, config.d_model)
        self.refine = ResidualMLP(config)

    def forward(
        self, pairs: Float[Tensor, "batch pair two_d_model"]
    ) -> Float[Tensor, "batch pair d_model"]:
        return self.refine(self.join(pairs))


class PairDecoder(nn.Module):
    """Turns a latent into features for the next token and, given it, for the one after."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.first = nn.Parameter(
            torch.zeros(config.d_model)
        )  # in place of a token, as none is known yet
        self.second = nn.Linear(config.d_model, config.d_model)
        self.refine = ResidualMLP(config)

    def forward(
        self,
        latents: Float[Tensor, "batch pair d_model"],
        told: Float[Tensor, "batch pair d_model"],
    ) -> Float[Tensor, "batch 2*pair d_model"]:
        both = torch.stack((latents + self.first, latents + self.second(told)), dim=2)
        return self.refine(rearrange(both, "b pair two d -> b (pair two) d"))


class Compressor(nn.Module):
    """Token embedding, pair encoder, causal trunk, pair decoder, final norm, output head."""

    def __init__(self, config: CompressorConfig) -> None:
        super().__init__()
        self.config = config
        trunk = config.trunk
        self.embed = make_embedding(config.n_vocab, config.d_model)
        self.encoder = PairEncoder(trunk)
        self.pos_embed = make_embedding(trunk.n_ctx, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(trunk, layer) for layer in range(config.n_layers))
        self.decoder = PairDecoder(trunk)
        self.ln_final = nn.LayerNorm(config.d_model, config.layer_norm_eps)
        self.unembed = nn.Linear(config.d_model, config.n_vocab, bias=False)
        if config.tied:
            self.unembed.weight = self.embed.weight

    def initialize(self, generator: torch.Generator) -> Compressor:
        """Draw fresh weights as a decoder's: normal, with standard deviation 0.02.

        Outputs to the residual stream get 1/sqrt(2 (layers + 1)) of that, positions half of it;
        biases are 0, norms 1. The two maps of token embeddings keep their size. Works in place and
        returns the compressor.
        """
        residual_std = 0.02 / math.sqrt(2 * (self.config.n_layers + 1))
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif ".ln" in name or name.startswith("ln"):
                nn.init.ones_(parameter)
            elif name.endswith(("attn.o.weight", "mlp.down.weight")):
                nn.init.normal_(parameter, std=residual_std, generator=generator)
            elif name in {"encoder.join.weight", "decoder.second.weight"}:
                std = 1 / math.sqrt(parameter.shape[1])
                nn.init.normal_(parameter, std=std, generator=generator)
            elif name == "pos_embed.weight":
                nn.init.normal_(parameter, std=0.01, generator=generator)
            else:
                nn.init.normal_(parameter, std=0.02, generator=generator)
        return self

    def latents(
        self, embedded: Float[Tensor, "batch position d_model"], cache: KeyValueCache | None = None
    ) -> Float[Tensor, "batch pair d_model"]:
        """The trunk's output for embedded tokens; latent ``k`` has read tokens up to ``2k``.

        With a ``cache``, only the latents that it does not hold yet; at least one must be new.
        """
        held = len(cache) if cache is not None else 0
        n_pairs = (embedded.shape[1] + 1) // 2
        shifted = torch.cat((embedded[:, :1], embedded), dim=1)[:, 2 * held : 2 * n_pairs]
        pairs = rearrange(shifted, "b (pair two) d -> b pair (two d)", two=2)
        positions = torch.arange(held, n_pairs, device=embedded.device)
        resid = self.dropout(self.encoder(pairs) + self.pos_embed(positions))
        for block in self.blocks:
            resid = block(resid, cache)
        return resid

    def features(
        self, tokens: Int[Tensor, "batch position"]
    ) -> Float[Tensor, "batch position d_model"]:
        """What the output head reads to predict the token after each position.

        Raises:
            ConfigError: the sequence does not fit in the context.
        """
        n_positions = tokens.shape[1]
        if n_positions > self.config.n_ctx:
            raise ConfigError(
                f"{n_positions} positions were given, the context holds {self.config.n_ctx}; "
                "shorten the text, or split it into windows"
            )
        embedded = self.embed(tokens)
        latents = self.latents(embedded)
        told = embedded[:, 1::2]
        if n_positions % 2:  # the last latent has no second token yet
            told = F.pad(told, (0, 0, 0, 1))
        return self.ln_final(self.decoder(latents, told)[:, :n_positions])

    def forward(
        self, tokens: Int[Tensor, "batch position"]
    ) -> Float[Tensor, "batch position n_vocab"]:
        """Logits for the token after each position."""
        return self.unembed(self.features(tokens))

    def block(self, layer: int) -> Block:
        """Block ``layer`` of the trunk, counted from 0, with its type known."""
        return cast("Block", self.blocks[layer])


def count_compressor_parameters(config: CompressorConfig) -> dict[str, int]:
    """Parameters by part, counted without allocating; a tied head counts with the embeddings."""
    with torch.device("meta"):
        compressor = Compressor(config)
    embeddings = [*compressor.embed.parameters(), *compressor.pos_embed.parameters()]
    head = [] if config.tied else [*compressor.unembed.parameters()]
    parts = {
        "embeddings": embeddings,
        "encoder": compressor.encoder.parameters(),
        "blocks": compressor.blocks.parameters(),
        "decoder": compressor.decoder.parameters(),
        "output": [*compressor.ln_final.parameters(), *head],
    }
    return {part: sum(p.numel() for p in parameters) for part, parameters in parts.items()}
