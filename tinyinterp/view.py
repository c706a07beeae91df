"""Looking, in a notebook or as a page: heads, neurons, and what a census or an account found.

    from tinyinterp import view

    view.attention(model, "Once upon a time", layer=2)
    view.neurons(model, "Once upon a time", layer=4, neuron=[5, 17])
    view.top_tokens(census, layer=4, neuron=17)

gives a :class:`Widget`, which a notebook shows and ``.save("page.html")`` writes as a page;

    view.kinds(census)
    view.scores(census)
    view.profiles(census)
    view.causal(census)
    view.formation(table)
    view.account(account)
    view.ladder(account, layer=3, head=0)

a :class:`Picture`, which a notebook shows with plotly, and which ``.save`` writes with plotly
(``.html``) or matplotlib (``.png``, ``.svg``, ``.pdf``). None of them needs a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tinyinterp.errors import SelectionError
from tinyinterp.model import Model, Text
from tinyinterp.selection import Index, Indices, choose, choose_one
from tinyinterp.views.picture import Picture
from tinyinterp.views.widgets import Widget

if TYPE_CHECKING:
    from tinyinterp.head_census import HeadCensus
    from tinyinterp.io.table import Table
    from tinyinterp.model_account import ModelAccount
    from tinyinterp.neuron_census import NeuronCensus

__all__ = [
    "Picture",
    "Widget",
    "account",
    "attention",
    "causal",
    "formation",
    "kinds",
    "ladder",
    "neurons",
    "profiles",
    "scores",
    "top_tokens",
]


def attention(
    model: Model,
    text: str,
    layer: Index,
    heads: Indices | None = None,
) -> Widget:
    """Where the heads of a layer look on ``text``: choose a head, hover over a token.

    Args:
        model: from :func:`tinyinterp.load`.
        text: no longer than the model's context.
        layer: counted from 0.
        heads: counted from 0; None: all.

    Raises:
        CorpusError: the text is empty or too long.
        SelectionError: there is no such layer or head.
    """
    from tinyinterp.views.one_text import read_pattern, tokenize
    from tinyinterp.views.style import shown_name
    from tinyinterp.views.widgets import attention_widget

    layer = choose_one("layer", layer, model.config.n_layers)
    chosen = list(choose("head", heads, model.config.n_heads))
    read = tokenize(model, text)
    patterns = read_pattern(model, read.ids, layer)
    kind = model.config.attention[layer]
    return attention_widget(
        patterns[chosen],
        read.tokens,
        [f"Head {head}" for head in chosen],
        f"Attention of layer {layer} ({kind}) of {shown_name(model.name)}",
    )


def neurons(model: Model, text: str, layer: Index, neuron: Indices) -> Widget:
    """``text`` coloured by the activations of one or more neurons, after the non-linearity.

    Args:
        model: from :func:`tinyinterp.load`.
        text: no longer than the model's context.
        layer: counted from 0.
        neuron: one or several, counted from 0.

    Raises:
        CorpusError: the text is empty or too long.
        SelectionError: there is no such layer or neuron.
    """
    from tinyinterp.views.one_text import read_activations, tokenize
    from tinyinterp.views.style import shown_name
    from tinyinterp.views.widgets import Choice, ColouredText, coloured_widget

    layer = choose_one("layer", layer, model.config.n_layers)
    chosen = choose("neuron", neuron, model.config.d_mlp)
    read = tokenize(model, text)
    values = read_activations(model, read.ids, layer)
    choices = [
        Choice(f"neuron {layer}.{number}", [ColouredText(read.tokens, values[:, number].tolist())])
        for number in chosen
    ]
    return coloured_widget(choices, f"Neurons of layer {layer} of {shown_name(model.name)}")


def top_tokens(
    source: NeuronCensus | Model,
    layer: Index,
    neuron: Indices,
    *,
    k: int = 10,
    text: Text = None,
) -> Widget:
    """Where neurons fire most, in context.

    Args:
        source: a census from :func:`tinyinterp.neurons`, whose top activations are shown; or
            a model, which reads ``text`` and also colours the contexts.
        layer: counted from 0.
        neuron: one or several, counted from 0.
        k: hits of each neuron, at most.
        text: what a model reads, as for :func:`tinyinterp.neurons`; None: the beginning of the
            bundled stories.

    Raises:
        CorpusError: the text cannot be read.
        SelectionError: there is no such layer or neuron, or ``k`` is below 1.
    """
    from tinyinterp.views.style import shown_name
    from tinyinterp.views.top_hits import hits_of_census, hits_of_model
    from tinyinterp.views.widgets import Choice, ColouredText, coloured_widget

    if isinstance(source, Model):
        found = hits_of_model(source, layer, neuron, k, text)
        name = source.name
    else:
        found = hits_of_census(source, layer, neuron, k)
        name = source.layer(layer).table.notes["model"]
    choices = [
        Choice(
            f"neuron {layer}.{number}",
            [ColouredText(hit.tokens, hit.values, hit.note) for hit in hits],
        )
        for number, hits in found.items()
    ]
    return coloured_widget(choices, f"Largest activations, layer {layer} of {shown_name(name)}")


def kinds(census: HeadCensus | NeuronCensus) -> Picture:
    """The kinds: layers by heads, or the shares of the neurons of each layer.

    Args:
        census: from :func:`tinyinterp.heads` or :func:`tinyinterp.neurons`.
    """
    from tinyinterp.views import pictures
    from tinyinterp.views.census import HeadCensusLike

    _must_be_census(census)
    if isinstance(census, HeadCensusLike):
        return pictures.kind_picture(census)
    return pictures.neuron_kind_picture(census.table)


def scores(
    census: HeadCensus | NeuronCensus, x: str | None = None, y: str | None = None
) -> Picture:
    """Two scores against each other, a point for each head or neuron, coloured by kind.

    Args:
        census: from :func:`tinyinterp.heads` or :func:`tinyinterp.neurons`.
        x: a column of the heads table; None: the share explained by position.
        y: another; None: contrast. Neurons are always shown by purity and AUROC.

    Raises:
        SelectionError: the table has no such column, or columns were chosen for neurons.
    """
    from tinyinterp.views import pictures
    from tinyinterp.views.census import HeadCensusLike

    _must_be_census(census)
    if isinstance(census, HeadCensusLike):
        chosen = {name: value for name, value in (("x", x), ("y", y)) if value is not None}
        return pictures.score_picture(census, **chosen)
    if x is not None or y is not None:
        raise SelectionError("a census of neurons shows purity and AUROC; leave out x and y")
    return pictures.neuron_score_picture(census.table)


def profiles(census: HeadCensus) -> Picture:
    """How far back every head looks, without the first token."""
    from tinyinterp.views.pictures import profile_picture

    _must_be_census(census)
    return profile_picture(census)


def causal(census: HeadCensus) -> Picture:
    """The rise in loss without each head, and with position alone.

    Raises:
        SelectionError: the census was taken without the causal check.
    """
    from tinyinterp.views.causal_plot import has_causal_check
    from tinyinterp.views.pictures import causal_picture

    _must_be_census(census)
    if not has_causal_check(census.table):
        raise SelectionError("this census was taken without the causal check; take one with it")
    return causal_picture(census)


def formation(table: Table, title: str = "Heads over training") -> Picture:
    """When heads form: their scores over the steps of a training run.

    Args:
        table: of :func:`tinyinterp.head_census.formation.follow_heads`.
        title: above the picture.
    """
    from tinyinterp.views.pictures import formation_picture

    return formation_picture(table, title)


def account(account: ModelAccount) -> Picture:
    """What heads, neurons and both at once recover of the loss at each rung, with 95 % intervals.

    Beside them stand n-gram models of the same text, and the numbers that each story stores.

    Args:
        account: from :func:`tinyinterp.account`.

    Raises:
        SelectionError: it is no account.
    """
    from tinyinterp.views.pictures import account_picture

    _must_be_account(account)
    return account_picture(account.table)


def ladder(
    account: ModelAccount, layer: Index, *, head: Index | None = None, neuron: Index | None = None
) -> Picture:
    """The ladder of one component, with 95 % intervals.

    Of a head: what each rung explains of its pattern and keeps of its effect on the loss. Of a
    neuron: the share of its variance that each rung explains.

    Args:
        account: from :func:`tinyinterp.account`.
        layer: counted from 0.
        head: counted from 0.
        neuron: counted from 0, instead of ``head``.

    Raises:
        SelectionError: there is no such layer, head or neuron, or not exactly one was given.
    """
    from tinyinterp.views.ladder_points import head_ladder, neuron_ladder
    from tinyinterp.views.pictures import ladder_picture

    _must_be_account(account)
    if (head is None) == (neuron is None):
        given = "neither" if head is None else "both"
        raise SelectionError(f"{given} of head= and neuron= were given; give one of them")
    layer = choose_one("layer", layer, max(account.heads["layer"]) + 1)
    if neuron is None:
        chosen = choose_one("head", cast("Index", head), max(account.heads["head"]) + 1)
        made = head_ladder(account.heads.row(layer=layer, head=chosen))
    else:
        chosen = choose_one("neuron", neuron, max(account.neurons["neuron"]) + 1)
        made = neuron_ladder(account.neurons.row(layer=layer, neuron=chosen))
    return ladder_picture(made, account.model_name)


def _must_be_account(given: object) -> None:
    from tinyinterp.model_account import ModelAccount

    if not isinstance(given, ModelAccount):
        raise SelectionError(
            f"{type(given).__name__} is no account: take one with tinyinterp.account(model)"
        )


def _must_be_census(given: object) -> None:
    if isinstance(given, Model):
        raise SelectionError(
            "a model was given, but this shows a census: take one with "
            "tinyinterp.heads(model) or tinyinterp.neurons(model, layer=...)"
        )
