"""What a text has been about so far: codes of all earlier tokens, added up with decay.

A context of a few tokens knows nothing of the story. The *gist* of a text so far is a handful of
numbers: the mean code of its tokens, nearer ones counting more, at four rates of decay, and whether
a quotation is open. A linear function of it, fitted on FIT by ridge regression of what contexts
leave unexplained, corrects the predictions of the longest contexts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinyinterp.network.decoder import Decoder
from tinyinterp.text.tokenizer import Tokenizer

CODE = 48  # principal components of the embedding that stand for a token
MEMORIES = (4.0, 16.0, 64.0, 256.0)  # tokens over which an earlier one loses most of its weight
RIDGE = 30.0  # imaginary observations of no correction, at each feature's mean square
MARKS = '"“”'


@dataclass(frozen=True)
class Gist:
    """Features of a text so far.

    Args:
        codes: of each token.
        marks: how many quotation marks each token holds.
    """

    codes: Float[Tensor, "n_vocab code"]
    marks: Int[Tensor, " n_vocab"]

    @property
    def width(self) -> int:
        """How many features there are."""
        return self.codes.shape[1] * len(MEMORIES) + 1

    def of(self, tokens: Int[Tensor, "batch position"]) -> Float[Tensor, "batch position feature"]:
        """The features at each position: of the tokens up to it, itself included."""
        n = tokens.shape[1]
        codes = self.codes[tokens]
        distance = (torch.arange(n)[:, None] - torch.arange(n)[None, :]).float()
        found = []
        for memory in MEMORIES:
            weights = torch.exp(-distance / memory).masked_fill(distance < 0, 0)
            found.append(weights / weights.sum(1, keepdim=True) @ codes)
        is_open = self.marks[tokens].cumsum(1) % 2
        return torch.cat([*found, is_open[..., None].float()], dim=-1)


def gist_of(decoder: Decoder, tokenizer: Tokenizer) -> Gist:
    """The features for a model: codes are principal components of its embedding."""
    embedding = decoder.embed.weight.detach().double()
    centred = embedding - embedding.mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)  # ascending
    codes = (centred @ directions[:, -CODE:]).float()
    n_tokens = min(tokenizer.n_vocab, len(codes))
    texts = (tokenizer.token_text(token) for token in range(n_tokens))
    counts = [sum(text.count(mark) for mark in MARKS) for text in texts]
    marks = torch.zeros(len(codes), dtype=torch.int64)
    marks[:n_tokens] = torch.tensor(counts)
    return Gist(codes, marks)


class GistSums:
    """Normal equations of the regression of several vectors on the features."""

    def __init__(self, gist: Gist, widths: Mapping[str, int]) -> None:
        self.gist = gist
        self._squares = torch.zeros(gist.width, gist.width, dtype=torch.float64)
        self._count = 0
        self._products = {
            name: torch.zeros(gist.width, width, dtype=torch.float64)
            for name, width in widths.items()
        }

    def add_features(
        self,
        features: Float[Tensor, "batch position feature"],
        mask: Bool[Tensor, "batch position"],
    ) -> None:
        """Count positions; once for each micro-batch."""
        chosen = features[mask].double()
        self._squares += chosen.T @ chosen
        self._count += len(chosen)

    def add(
        self,
        name: str,
        left: Float[Tensor, "batch position width"],
        features: Float[Tensor, "batch position feature"],
        mask: Bool[Tensor, "batch position"],
    ) -> None:
        """Take in what contexts leave of one vector."""
        self._products[name] += features[mask].double().T @ left[mask].double()

    def corrections(self, names: Iterable[str]) -> dict[str, Float[Tensor, "feature width"]]:
        """The regression of each vector."""
        deviation = (self._squares.diagonal() / max(self._count, 1)).sqrt().clamp_min(1e-9)
        ridge = torch.diag(RIDGE * deviation**2)
        return {
            name: torch.linalg.solve(self._squares + ridge, self._products[name]).float()
            for name in names
        }
