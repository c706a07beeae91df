"""Any decoder as a ``HookedTransformer`` of TransformerLens, with a certificate.

The only module that imports ``transformer_lens``, and only when a model is converted: the import
takes seconds, and the class is deprecated there. Nothing of TransformerLens reads the checkpoint;
its configuration and weights are filled from our own decoder, and the result is compared with it.
"""

from __future__ import annotations

import copy
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from einops import rearrange
from tokenizers import Tokenizer as Backend
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from tinyinterp import checkpoint as checkpoints
from tinyinterp.checkpoint import Checkpoint
from tinyinterp.checkpoint.certificate import Certificate, certify
from tinyinterp.checkpoint.find import find
from tinyinterp.checkpoint.hugging_face import CLASSES
from tinyinterp.errors import VersionError
from tinyinterp.io import hub
from tinyinterp.network.attention import rotations
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Block, Decoder

if TYPE_CHECKING:
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.hook_points import HookPoint

NORMS = {"layer": "LN", "rms": "RMS"}


def to_hooked_transformer(
    source: Checkpoint | str | Path | None,
    *,
    process: bool = False,
    dtype: torch.dtype = torch.float32,
) -> HookedTransformer:
    """Convert a checkpoint, a folder, a hub name or (None) the bundled model; certified first.

    A text gets the start token in front, as everywhere here, unless ``prepend_bos=False`` asks for
    none; a model that was trained with no token in front gets none (``default_prepend_bos`` is
    False). A tokenizer that reads rare tokens as one unknown cannot be expressed there; such a
    model is returned without one.

    Args:
        source: what to convert.
        process: fold the layer norms into the weights and centre what writes to the residual stream
            and the output head. Log-probabilities stay, logits and residuals do not.
        dtype: of the parameters returned. The certificate is always taken in fp32 and fp64.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be read.
        CertificateError: the converted model differs; the message has the numbers.
        VersionError: TransformerLens is not installed, or is of a version without the class.
    """
    if not isinstance(source, Checkpoint):
        source = checkpoints.load(find(source))
    hooked, _ = convert(source)
    if process:
        hooked.process_weights_()  # works in fp32 whatever it is given
    return hooked.to(dtype, print_details=False)


def convert(checkpoint: Checkpoint) -> tuple[HookedTransformer, Certificate]:
    """The unprocessed fp32 ``HookedTransformer`` of a checkpoint, with its certificate.

    Raises:
        CertificateError: the converted model differs; the message has the numbers.
        VersionError: TransformerLens is not installed, or is of a version without the class.
    """
    hooked = _build(checkpoint)
    certificate = certify(checkpoint, partial(copy_in, hooked)).require()
    _set_tokenizer(hooked, checkpoint)
    return hooked, certificate


def _build(checkpoint: Checkpoint) -> HookedTransformer:
    decoder = checkpoint.decoder
    with warnings.catch_warnings():
        # In a notebook its progress bars ask for ipywidgets, which nothing here needs.
        warnings.filterwarnings("ignore", "IProgress not found")
        try:
            import transformer_lens

            HookedTransformer, _ = (  # noqa: N806 - classes; the second is needed further below
                getattr(transformer_lens, name)
                for name in ("HookedTransformer", "HookedTransformerConfig")
            )
        except (ImportError, AttributeError) as error:
            raise VersionError(
                "a HookedTransformer is made by TransformerLens 3", "transformer_lens", ">=3.9,<4"
            ) from error

        # 3.9 announces that 4.0 has no HookedTransformer; this package asks for <4.
        warnings.filterwarnings("ignore", "HookedTransformer is deprecated", DeprecationWarning)
        folder = checkpoint.folder
        name = hub.name_in_cache(folder) or folder.name
        hooked = HookedTransformer(hooked_config(decoder, name))
    _set_rotations(hooked, decoder)
    # Masks are buffers that it made; loading is strict, so no weight can stay uninitialised.
    hooked.load_state_dict(dict(hooked.named_buffers()) | hooked_weights(decoder))
    _set_gate_biases(hooked, decoder)
    return hooked.eval()


def _set_rotations(hooked: HookedTransformer, decoder: Decoder) -> None:
    """Give it the decoder's angles for the whole context; its own are rounded otherwise."""
    config = decoder.config
    if config.learned_positions:
        return
    device = decoder.embed.weight.device
    cos, sin = rotations(config.n_ctx, config.rotary_dim, config.rotary_base, device, torch.float32)
    for block in hooked.blocks:
        block.attn.rotary_cos, block.attn.rotary_sin = (
            torch.cat((table, table), dim=1) for table in (cos, sin)
        )


def _set_gate_biases(hooked: HookedTransformer, decoder: Decoder) -> None:
    """Add the biases of gated MLPs, for which it has no parameters, by hooks that stay."""
    if not (decoder.config.gated and decoder.config.mlp_bias):
        return
    for layer in range(decoder.config.n_layers):
        mlp = decoder.block(layer).mlp
        for name, linear in (("hook_pre", mlp.into_activation), ("hook_pre_linear", mlp.up)):
            point = hooked.get_submodule(f"blocks.{layer}.mlp.{name}")
            add = partial(_plus, bias=linear.bias.detach())
            cast("HookPoint", point).add_hook(add, is_permanent=True)


def _plus(tensor: Tensor, bias: Tensor, hook: object) -> Tensor:  # noqa: ARG001
    return tensor + bias.to(tensor)


def copy_in(hooked: HookedTransformer, dtype: torch.dtype) -> HookedTransformer:
    """The same model in ``dtype``; its own hooks are copied too, so they are certified as well."""
    shared = {id(hooked.tokenizer): hooked.tokenizer}  # slow to copy, and no part of the numbers
    return copy.deepcopy(hooked, shared).to(dtype, print_details=False).eval()


def hooked_config(decoder: Decoder, name: str) -> HookedTransformerConfig:
    """TransformerLens's configuration for the same model, in fp32, on the decoder's device."""
    from transformer_lens import HookedTransformerConfig

    config: DecoderConfig = decoder.config
    shared = config.n_key_value_heads
    return HookedTransformerConfig(
        model_name=name,
        original_architecture=CLASSES[config.architecture],
        n_layers=config.n_layers,
        d_model=config.d_model,
        n_ctx=config.n_ctx,
        d_head=config.d_head,
        n_heads=config.n_heads,
        d_mlp=config.d_mlp,
        d_vocab=config.n_vocab,
        act_fn=config.activation,
        eps=config.layer_norm_eps,
        normalization_type=NORMS[config.norm],
        n_key_value_heads=None if shared == config.n_heads else shared,
        gated_mlp=config.gated,
        parallel_attn_mlp=config.parallel,
        positional_embedding_type="standard" if config.learned_positions else "rotary",
        rotary_dim=config.rotary_dim or None,
        rotary_base=config.rotary_base,
        use_attn_scale=config.scale_scores,
        scale_attn_by_inverse_layer_idx=config.scale_by_layer,
        use_local_attn="local" in config.attention,
        attn_types=list(config.attention),
        window_size=config.window,  # theirs counts the query too: key > query - window
        default_prepend_bos=True,
        tie_word_embeddings=config.tied,
        init_weights=False,
        device=str(decoder.embed.weight.device),
        dtype=torch.float32,
    )


def hooked_weights(decoder: Decoder) -> dict[str, Tensor]:
    """The decoder's parameters under TransformerLens's names and in its shapes.

    It multiplies from the right and keeps heads apart: ``W_Q``, ``W_K``, ``W_V`` are
    ``[head, d_model, d_head]``, ``W_O`` is ``[head, d_head, d_model]``; where heads share keys and
    values, ``_W_K`` and ``_W_V`` have one for each. What the decoder lacks (a query bias in
    GPT-Neo, a bias of the logits in all) is zero.
    """
    config = decoder.config
    weights = {
        "embed.W_E": decoder.embed.weight,
        **_norm("ln_final", decoder.ln_final),
        "unembed.W_U": rearrange(decoder.unembed.weight, "vocab model -> model vocab"),
        "unembed.b_U": torch.zeros(config.n_vocab),
    }
    if config.learned_positions:
        weights["pos_embed.W_pos"] = decoder.pos_embed.weight
    for layer in range(config.n_layers):
        of_block = _block_weights(decoder.block(layer), config)
        weights |= {f"blocks.{layer}.{name}": weight for name, weight in of_block.items()}
    return weights


def _block_weights(block: Block, config: DecoderConfig) -> dict[str, Tensor]:
    attn, mlp, d_head = block.attn, block.mlp, config.d_head
    under = "_" if config.n_key_value_heads < config.n_heads else ""
    weights = {**_norm("ln1", block.ln1), **_norm("ln2", block.ln2)}
    for name, linear in (("Q", attn.q), (f"{under}K", attn.k), (f"{under}V", attn.v)):
        mark, name = name[:-1], name[-1]  # noqa: PLW2901
        weights[f"attn.{mark}W_{name}"] = rearrange(
            linear.weight, "(head d_head) model -> head model d_head", d_head=d_head
        )
        weights[f"attn.{mark}b_{name}"] = rearrange(
            _bias(linear), "(head d_head) -> head d_head", d_head=d_head
        )
    weights |= {
        "attn.W_O": rearrange(
            attn.o.weight, "model (head d_head) -> head d_head model", d_head=d_head
        ),
        "attn.b_O": _bias(attn.o),
        "mlp.W_in": rearrange(mlp.up.weight, "mlp model -> model mlp"),
        "mlp.b_in": _bias(mlp.up),
        "mlp.W_out": rearrange(mlp.down.weight, "model mlp -> mlp model"),
        "mlp.b_out": _bias(mlp.down),
    }
    if mlp.gate is not None:
        weights["mlp.W_gate"] = rearrange(mlp.gate.weight, "mlp model -> model mlp")
        weights["mlp.b_in"] = torch.zeros(config.d_mlp)  # it adds this one to the product
    return weights


def _norm(name: str, norm: nn.LayerNorm | nn.RMSNorm) -> dict[str, Tensor]:
    of_norm: dict[str, Tensor] = {f"{name}.w": norm.weight}
    if isinstance(norm, nn.LayerNorm):
        of_norm[f"{name}.b"] = norm.bias
    return of_norm


def _bias(linear: nn.Linear) -> Tensor:
    return dict(linear.named_parameters()).get("bias", torch.zeros(linear.out_features))


def _set_tokenizer(hooked: HookedTransformer, checkpoint: Checkpoint) -> None:
    """Give ``hooked`` the checkpoint's own tokenizer, with our start token as its ``bos_token``.

    By hand, because its ``set_tokenizer`` opens the tokenizer a second time so that it prepends
    a token by itself. TransformerLens writes the token's name in front of the text, which a
    byte-level tokenizer reads as the token and the text; any other would read the text's first word
    as one inside a text, so there the tokenizer itself adds the token.
    """
    ours = checkpoint.tokenizer
    hooked.cfg.default_prepend_bos = bool(ours.front)
    if ours.unknown_from is not None:
        return
    tokenizer = ours.to_transformers()
    fallback = ours.start_name or ours.eos or ours.pieces.name(0)
    tokenizer.eos_token = ours.eos or tokenizer.eos_token or fallback
    tokenizer.bos_token = ours.start_name or tokenizer.bos_token or fallback
    tokenizer.pad_token = tokenizer.pad_token or fallback
    tokenizer.padding_side = "right"
    if tokenizer.num_special_tokens_to_add() or ours.pieces.kind != "byte-level":
        backend = cast("Backend", tokenizer.backend_tokenizer)
        named = [(ours.start_name, ours.front[0])] if ours.front and ours.start_name else []
        single = [name for name, _ in named] + ["$A"]
        backend.post_processor = TemplateProcessing(single=single, special_tokens=named)
    hooked.tokenizer = tokenizer
    hooked.cfg.tokenizer_prepends_bos = len(tokenizer.encode("")) > 0
