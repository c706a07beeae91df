"""Lens, attribution and switched-off losses are those of TransformerLens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from models import tiny_checkpoint, tiny_config, tiny_decoder, tiny_tokenizer
from torch import Tensor

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.checkpoint.hooked import convert
from tinyinterp.network.config import Architecture
from tinyinterp.run import (
    Means,
    Run,
    Zeros,
    attribute,
    attribute_neurons,
    head,
    logit_lens,
    neuron,
    read_text,
    run_text,
)
from tinyinterp.run.components import choose_components
from tinyinterp.run.lens import lens_logits

TEXT = "One day, Tim saw a little dog in the park."
OFF = (head(0, 1), head(2, 0), neuron(1, 30), neuron(1, 7), neuron(2, 3))
WITHIN = {"atol": 1e-4, "rtol": 1e-4}


@pytest.fixture(scope="module", params=["gpt2", "gpt_neo", "gpt_neox", "llama"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Checkpoint, Any]:
    """A tiny checkpoint, and its ``HookedTransformer``."""
    folder = tmp_path_factory.mktemp("model")
    checkpoint = tiny_checkpoint(folder, request.param, tied=request.param == "gpt2")
    return checkpoint, convert(checkpoint)[0]


def _run(checkpoint: Checkpoint, **given: Any) -> Run:
    read = read_text(checkpoint.tokenizer, checkpoint.decoder.config.n_ctx, TEXT)
    return run_text(checkpoint.decoder, read, **given)


def test_a_run_holds_what_the_cache_holds(both: tuple[Checkpoint, Any]) -> None:
    checkpoint, hooked = both
    run = _run(checkpoint)
    logits, cache = hooked.run_with_cache(run.ids[None])
    torch.testing.assert_close(run.logits, logits[0], **WITHIN)
    losses = hooked(run.ids[None], return_type="loss", loss_per_token=True)[0]
    torch.testing.assert_close(run.losses, losses, **WITHIN)
    for layer in range(3):
        torch.testing.assert_close(run.patterns[layer], cache["pattern", layer][0], **WITHIN)
        torch.testing.assert_close(run.z[layer], cache["z", layer][0], **WITHIN)
        torch.testing.assert_close(run.activations[layer], cache["post", layer][0], **WITHIN)


def test_the_lens_reads_the_accumulated_residual(both: tuple[Checkpoint, Any]) -> None:
    checkpoint, hooked = both
    run = _run(checkpoint)
    _, cache = hooked.run_with_cache(run.ids[None])
    stack = cache.accumulated_resid(layer=-1, incl_mid=False)[:, 0]
    torch.testing.assert_close(run.stream, stack, **WITHIN)
    theirs = hooked.unembed(hooked.ln_final(stack))
    torch.testing.assert_close(lens_logits(checkpoint.decoder, run.stream), theirs, **WITHIN)


def test_the_lens_says_where_the_next_token_stands(both: tuple[Checkpoint, Any]) -> None:
    checkpoint, _ = both
    run = _run(checkpoint)
    lens = logit_lens(checkpoint.decoder, run, k=5)
    probabilities = lens_logits(checkpoint.decoder, run.stream).softmax(-1)
    for level, position in ((0, 0), (1, 4), (3, len(run.ids) - 2)):
        here, following = probabilities[level, position], run.ids[position + 1]
        torch.testing.assert_close(lens.next_probability[level, position], here[following])
        assert lens.next_rank[level, position] == 1 + (here > here[following]).sum()
        assert lens.tokens[level, position].tolist() == here.argsort(descending=True)[:5].tolist()
    assert lens.next_probability[:, -1].isnan().all()
    assert (lens.next_rank[:, -1] == 0).all()


@pytest.mark.parametrize("against", [None, 17])
def test_attributions_are_those_of_transformer_lens(
    both: tuple[Checkpoint, Any], against: int | None
) -> None:
    checkpoint, hooked = both
    run = _run(checkpoint)
    position, token = 9, 200
    found = attribute(checkpoint.decoder, run, position, token, against)
    _, cache = hooked.run_with_cache(run.ids[None])
    wanted = hooked.W_U[:, token] - (0 if against is None else hooked.W_U[:, against])

    def read(stack: Tensor) -> Tensor:  # part by part, with the final norm's gain and scale
        is_layer_norm = checkpoint.decoder.config.norm == "layer"
        centred = stack - stack.mean(-1, keepdim=True) if is_layer_norm else stack
        return (centred / cache["scale"][0, position]) * hooked.ln_final.w @ wanted

    heads = cache.stack_head_results(layer=-1, pos_slice=position)[:, 0]
    torch.testing.assert_close(found.heads.flatten().float(), read(heads), **WITHIN)
    parts, labels = cache.decompose_resid(layer=-1, pos_slice=position, return_labels=True)
    mlps = read(parts[[label.endswith("mlp_out") for label in labels]][:, 0])
    torch.testing.assert_close(found.mlps.float(), mlps, **WITHIN)
    logits = run.logits[position]
    logit = logits[token] - (0 if against is None else logits[against])
    assert found.logit == pytest.approx(logit.item(), abs=1e-4)


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neo"])
def test_neurons_add_up_to_their_mlp(architecture: Architecture) -> None:
    decoder = tiny_decoder(architecture)
    with torch.no_grad():
        for layer in range(3):
            decoder.block(layer).mlp.down.bias.zero_()
    run = run_text(decoder, read_text(tiny_tokenizer(), decoder.config.n_ctx, TEXT))
    of_neurons = attribute_neurons(decoder, run, 9, 200, against=4)
    torch.testing.assert_close(of_neurons.sum(1), attribute(decoder, run, 9, 200, 4).mlps)


@pytest.mark.parametrize("with_means", [True, False])
def test_losses_without_a_part_are_those_of_hooks(
    both: tuple[Checkpoint, Any], *, with_means: bool
) -> None:
    checkpoint, hooked = both
    generator = torch.Generator().manual_seed(3)
    means = Means(
        torch.randn(3, *_run(checkpoint).z.shape[2:], generator=generator),
        torch.randn(3, 31, generator=generator),
    )
    run = _run(checkpoint, off=OFF, instead=means if with_means else Zeros())

    def fixed(axis_value: Callable[[int, int], Any], layer: int, numbers: list[int]) -> Any:
        def hook(value: Tensor, hook: Any) -> Tensor:
            del hook
            for number in numbers:
                value[:, :, number] = axis_value(layer, number) if with_means else 0.0
            return value

        return hook

    hooks = [
        ("blocks.0.attn.hook_z", fixed(lambda i, n: means.z[i, n], 0, [1])),
        ("blocks.2.attn.hook_z", fixed(lambda i, n: means.z[i, n], 2, [0])),
        ("blocks.1.mlp.hook_post", fixed(lambda i, n: means.post[i, n], 1, [7, 30])),
        ("blocks.2.mlp.hook_post", fixed(lambda i, n: means.post[i, n], 2, [3])),
    ]
    losses = hooked.run_with_hooks(
        run.ids[None], return_type="loss", loss_per_token=True, fwd_hooks=hooks
    )[0]
    torch.testing.assert_close(run.losses, losses, **WITHIN)
    assert not torch.allclose(run.losses, _run(checkpoint).losses, atol=1e-3)


def test_components_are_chosen_by_name_too() -> None:
    config = tiny_config()
    assert choose_components(["L2H1", neuron(0, 3), "L2H1"], config) == (head(2, 1), neuron(0, 3))
