"""Pictures of a census, of heads over training, and of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tinyinterp.errors import SelectionError
from tinyinterp.selection import Index, choose_one
from tinyinterp.view.given import (
    is_head_census,
    require_account,
    require_formation,
    require_head_census,
)
from tinyinterp.views.picture import Picture

if TYPE_CHECKING:
    from tinyinterp.head_census import HeadCensus
    from tinyinterp.io.table import Table
    from tinyinterp.model_account import ModelAccount
    from tinyinterp.neuron_census import NeuronCensus


def kinds(census: HeadCensus | NeuronCensus) -> Picture:
    """The kinds: layers by heads, or the shares of the neurons of each layer.

    Args:
        census: from :func:`tinyinterp.heads` or :func:`tinyinterp.neurons`.

    Raises:
        SelectionError: it is no census.
    """
    from tinyinterp.views import pictures

    if is_head_census(census):
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

    if is_head_census(census):
        chosen = {name: value for name, value in (("x", x), ("y", y)) if value is not None}
        return pictures.score_picture(census, **chosen)
    if x is not None or y is not None:
        raise SelectionError("a census of neurons shows purity and AUROC; leave out x and y")
    return pictures.neuron_score_picture(census.table)


def profiles(census: HeadCensus) -> Picture:
    """How far back every head looks, without the first token.

    Raises:
        SelectionError: it is no census of heads.
    """
    from tinyinterp.views.pictures import profile_picture

    require_head_census(census, "profiles are")
    return profile_picture(census)


def causal(census: HeadCensus) -> Picture:
    """The rise in loss without each head, and with position alone.

    Raises:
        SelectionError: it is no census of heads, or was taken without the causal check.
    """
    from tinyinterp.views.causal_plot import has_causal_check
    from tinyinterp.views.pictures import causal_picture

    require_head_census(census, "the causal check is")
    if not has_causal_check(census.table):
        raise SelectionError(
            "this census was taken without the causal check; take one with "
            "tinyinterp.heads(model, causal=True)"
        )
    return causal_picture(census)


def formation(table: Table, title: str = "Heads over training") -> Picture:
    """When heads form: their scores over the steps of a training run.

    Args:
        table: of :func:`tinyinterp.head_census.formation.follow_heads`.
        title: above the picture.

    Raises:
        SelectionError: it is no such table.
    """
    from tinyinterp.views.pictures import formation_picture

    require_formation(table)
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

    require_account(account)
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

    require_account(account)
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
