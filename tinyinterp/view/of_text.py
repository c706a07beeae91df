"""What a model does with one text: all heads at once, one layer, one head, lens, attribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.model import Model, require_model
from tinyinterp.run import Run, attribute, logit_lens, value_at
from tinyinterp.selection import Index, Indices, at_least_one, choose, choose_one
from tinyinterp.view.given import name_of_run, run_of
from tinyinterp.views.picture import Picture
from tinyinterp.views.style import shown_name
from tinyinterp.views.widgets import (
    LensRows,
    Widget,
    attention_widget,
    lens_widget,
    lines_widget,
)

LENS_CELLS = 40_000  # of a table that a browser still draws at once


def text(model: Model, text: str | Run) -> Widget:
    """All heads of all layers on ``text``, and the loss of each token: choose a head, see it large.

    Args:
        model: from :func:`tinyinterp.load`.
        text: no longer than the model's context; or what :meth:`Model.run` gave, whose heads and
            neurons may be switched off.

    Raises:
        CorpusError: the text is no string, is empty, or is too long.
        SelectionError: no model was given, the run is of another one, or there are more heads and
            tokens than one page holds.
    """
    run = run_of(model, text)
    layers, heads = run.patterns.shape[:2]
    mean = f", {run.losses.mean().item():.2f} nats a token" if len(run.losses) else ""
    return attention_widget(
        run.patterns.flatten(0, 1).float().numpy(),
        run.tokens,
        [f"L{layer}H{head}" for layer in range(layers) for head in range(heads)],
        f"All heads of {name_of_run(model, run)}{mean}",
        rows=[(f"layer {layer}", heads) for layer in range(layers)],
        losses=run.losses.tolist(),
    )


def attention(
    model: Model,
    text: str | Run,
    layer: Index,
    heads: Indices | None = None,
) -> Widget:
    """Where the heads of a layer look on ``text``: choose a head, hover over a token.

    Args:
        model: from :func:`tinyinterp.load`.
        text: as for :func:`text`.
        layer: counted from 0.
        heads: counted from 0; None: all.

    Raises:
        CorpusError: the text is no string, is empty, or is too long.
        SelectionError: no model was given, the run is of another one, or there is no such layer or
            head.
    """
    tokens, patterns, name = _layer_patterns(model, text, layer)
    chosen = list(choose("head", heads, model.config.n_heads))
    layer = int(layer)
    kind = model.config.attention[layer]
    return attention_widget(
        patterns[chosen],
        tokens,
        [f"Head {head}" for head in chosen],
        f"Attention of layer {layer} ({kind}) of {name}",
    )


def head_lines(model: Model, text: str | Run, layer: Index, head: Index) -> Widget:
    """One head as lines from each token to those that it looks at, as in BertViz's head view.

    Args:
        model: from :func:`tinyinterp.load`.
        text: as for :func:`text`.
        layer: counted from 0.
        head: counted from 0.

    Raises:
        CorpusError: the text is no string, is empty, or is too long.
        SelectionError: no model was given, the run is of another one, or there is no such layer or
            head.
    """
    tokens, patterns, name = _layer_patterns(model, text, layer)
    head = choose_one("head", head, model.config.n_heads)
    return lines_widget(patterns[head], tokens, f"Head L{int(layer)}H{head} of {name}")


def lens(model: Model, text: str | Run, *, k: int = 5) -> Widget:
    """The logit lens: what the model would predict if it stopped after each layer.

    Args:
        model: from :func:`tinyinterp.load`.
        text: as for :func:`text`.
        k: tokens shown of each layer and position.

    Raises:
        CorpusError: the text is no string, is empty, or is too long for one table.
        SelectionError: no model was given, the run is of another one, or ``k`` is below 1.
    """
    run = run_of(model, text)
    k = at_least_one("k", k)
    levels, positions = run.stream.shape[:2]
    if levels * positions > LENS_CELLS:
        raise CorpusError(
            f"the text has {positions - 1} tokens, too many for a table of {levels} levels: "
            f"give at most {LENS_CELLS // levels - 1}"
        )
    found = logit_lens(model.decoder, run, k)
    words = {int(token): model.tokenizer.token_text(int(token)) for token in found.tokens.unique()}
    rows = LensRows(
        words,
        found.tokens.numpy(),
        found.probabilities.float().numpy(),
        found.next_probability.float().numpy(),
        found.next_rank.numpy(),
    )
    names = ["embedding", *(f"layer {layer}" for layer in range(levels - 1))]
    return lens_widget(rows, run.tokens, names, f"Logit lens of {name_of_run(model, run)}")


def logit_attribution(
    model: Model,
    text: str | Run,
    position: Index | None = None,
    token: str | Index | None = None,
    against: str | Index | None = None,
) -> Picture:
    """What every head and MLP adds to the logit of a token: direct logit attribution.

    The final norm is folded in, with its scale as it is in this run; with the embedding and the
    biases the parts sum to the logit.

    Args:
        model: from :func:`tinyinterp.load`.
        text: as for :func:`text`.
        position: after which the token is predicted, end-of-text being 0; None: the last.
        token: as it is written, with the space before it (``" Tim"``), or its id; None: the
            likeliest.
        against: another, whose logit is taken off.

    Raises:
        CorpusError: the text is no string, is empty, or is too long.
        SelectionError: no model was given, the run is of another one, there is no such position,
            or a token is not one of this model.
    """
    from tinyinterp.views.attribution_plot import Parts
    from tinyinterp.views.pictures import attribution_picture

    run = run_of(model, text)
    last = len(run.ids) - 1
    at = last if position is None else choose_one("position", position, last + 1, of="this text")
    wanted = int(run.logits[at].argmax()) if token is None else _token(model, "token", token)
    other = None if against is None else _token(model, "against", against)
    found = attribute(model.decoder, run, at, wanted, other)
    names = [model.tokenizer.token_text(each) for each in (wanted, other) if each is not None]
    parts = Parts(
        found.embedding,
        found.heads.numpy(),
        found.mlps.numpy(),
        found.attention_biases.numpy(),
        found.bias,
    )
    return attribution_picture(parts, names, run.tokens[at], at, name_of_run(model, run))


def _layer_patterns(
    model: Model, text: str | Run, layer: Index
) -> tuple[Sequence[str], np.ndarray, str]:
    """The tokens, the patterns of a layer, and what to call the model."""
    require_model(model)
    layer = choose_one("layer", layer, model.config.n_layers)
    if isinstance(text, Run):
        run = run_of(model, text)
        return run.tokens, run.patterns[layer].float().numpy(), name_of_run(model, run)
    read = model.read(text)
    patterns = value_at(model.decoder, read.ids, f"blocks.{layer}.attn.hook_pattern")
    return read.tokens, patterns.float().numpy(), shown_name(model.name)


def _token(model: Model, what: str, given: str | Index) -> int:
    if not isinstance(given, str):
        return choose_one(what, given, model.config.n_vocab)
    ids = model.tokenizer.encode(given).ids
    if len(ids) != 1:
        pieces = [model.tokenizer.token_text(each) for each in ids]
        raise SelectionError(
            f"{what} is {given!r:.80}, which is {len(ids)} tokens of this model: {pieces!r:.200}; "
            "give one of them, with the space before it where there is one"
        )
    return ids[0]
