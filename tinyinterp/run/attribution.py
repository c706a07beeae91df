"""Direct logit attribution: what each part adds to the logit of a token.

The residual stream is a sum, and with the final norm's scale held as it is in the run, so is a
logit: of what the embeddings, every head and every MLP wrote, and of the biases (Elhage et al.
2021, https://transformer-circuits.pub/2021/framework). The parts sum to the logit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tinyinterp.network.decoder import Decoder
from tinyinterp.run.run import Run
from tinyinterp.selection import Index, choose_one


@dataclass(frozen=True, eq=False)
class Attribution:
    """Logits of one token at one position, by what wrote them.

    Args:
        embedding: by the embeddings of token and position.
        heads: by every head, without bias.
        attention_biases: by the output bias of each layer's attention.
        mlps: by each MLP, its output bias with it.
        bias: by the final norm and the output head.
    """

    embedding: float
    heads: Float[Tensor, "layer head"]
    attention_biases: Float[Tensor, " layer"]
    mlps: Float[Tensor, " layer"]
    bias: float

    @property
    def logit(self) -> float:
        """The sum of all parts."""
        parts = self.heads.sum() + self.attention_biases.sum() + self.mlps.sum()
        return self.embedding + parts.item() + self.bias


def attribute(
    decoder: Decoder, run: Run, position: Index, token: Index, against: Index | None = None
) -> Attribution:
    """What every part adds to the logit of ``token`` after ``position``.

    Args:
        decoder: the model.
        run: of that model.
        position: after which the token is predicted.
        token: its id.
        against: the id of another token, whose logit is taken off; None: the logit itself.

    Raises:
        SelectionError: there is no such position or token.
    """
    position = choose_one("position", position, len(run.ids), of="this text")
    direction, bias = _direction(decoder, run, position, token, against)
    with torch.inference_mode():
        heads, biases, mlps = [], [], []
        for layer in range(decoder.config.n_layers):
            block = decoder.block(layer)
            weight = (
                block.attn.o.weight.cpu().double().unflatten(1, run.z.shape[2:])
            )  # [d_model h d_head]
            written = torch.einsum("hd,mhd->hm", run.z[layer, position].double(), weight)
            heads.append(written @ direction)
            biases.append(_dot(block.attn.o.bias, direction))
            post = run.activations[layer, position].double()
            out = block.mlp.down.weight.cpu().double() @ post
            mlps.append(out @ direction + _dot(block.mlp.down.bias, direction))
        embedding = (run.stream[0, position].double() @ direction).item()
    return Attribution(embedding, torch.stack(heads), torch.stack(biases), torch.stack(mlps), bias)


def attribute_neurons(
    decoder: Decoder, run: Run, position: Index, token: Index, against: Index | None = None
) -> Float[Tensor, "layer neuron"]:
    """What every neuron adds to the logit of ``token`` after ``position``, as :func:`attribute`.

    Raises:
        SelectionError: there is no such position or token.
    """
    position = choose_one("position", position, len(run.ids), of="this text")
    direction, _ = _direction(decoder, run, position, token, against)
    with torch.inference_mode():
        return torch.stack(
            [
                run.activations[i, position].double()
                * (direction @ decoder.block(i).mlp.down.weight.cpu().double())
                for i in range(decoder.config.n_layers)
            ]
        )


def _direction(
    decoder: Decoder, run: Run, position: int, token: Index, against: Index | None
) -> tuple[Float[Tensor, " d_model"], float]:
    """What the logit reads of the residual stream, with the final norm's scale of this position."""
    wanted = _unembedding(decoder, token)
    if against is not None:
        wanted = wanted - _unembedding(decoder, against)
    norm = decoder.ln_final
    stream = run.stream[-1, position].double()
    with torch.inference_mode():
        direction = wanted * norm.weight.cpu().double()
        if isinstance(norm, nn.LayerNorm):
            direction = direction - direction.mean()
            scale = (stream.var(unbiased=False) + norm.eps).sqrt()
        else:  # a root mean square norm has no mean to take off
            scale = (stream.square().mean() + (norm.eps or 0.0)).sqrt()
        return direction / scale, _dot(getattr(norm, "bias", None), wanted).item()


def _unembedding(decoder: Decoder, token: Index) -> Float[Tensor, " d_model"]:
    number = choose_one("token", token, decoder.config.n_vocab)
    return decoder.unembed.weight[number].detach().cpu().double()


def _dot(bias: Tensor | None, direction: Float[Tensor, " d_model"]) -> Float[Tensor, ""]:
    if bias is None:
        return torch.zeros((), dtype=torch.float64)
    return bias.detach().cpu().double() @ direction
