"""The pictures of the censuses, of the account and of one logit, each in both forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinyinterp.io.table import Table
from tinyinterp.views import score_plot
from tinyinterp.views.account_plot import draw_account
from tinyinterp.views.attribution_plot import Parts, draw_attribution
from tinyinterp.views.causal_plot import draw_causal_check
from tinyinterp.views.census import HeadCensusLike
from tinyinterp.views.formation import draw_formation
from tinyinterp.views.kind_map import draw_kind_map
from tinyinterp.views.kind_shares import draw_kind_shares, kind_shares
from tinyinterp.views.ladder_plot import draw_ladder
from tinyinterp.views.ladder_points import Ladder
from tinyinterp.views.neuron_plot import draw_neurons
from tinyinterp.views.picture import Picture
from tinyinterp.views.points import check_column
from tinyinterp.views.profiles import draw_profiles
from tinyinterp.views.score_plot import draw_scores
from tinyinterp.views.style import show_token, shown_name

if TYPE_CHECKING:
    import plotly.graph_objects as go


def kind_picture(census: HeadCensusLike) -> Picture:
    """Layers by heads, coloured by kind."""
    title = f"Heads of {_of(census)}"

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.layers import plot_kind_map

        return plot_kind_map(census.table, title)

    return Picture(title, lambda: draw_kind_map(census.table, title), plot)


def profile_picture(census: HeadCensusLike) -> Picture:
    """How far back every head looks."""
    title = f"Offset profiles, {_of(census)}"

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.layers import plot_profiles

        return plot_profiles(census.profiles, census.table, title)

    return Picture(title, lambda: draw_profiles(census.profiles, census.table, title), plot)


def score_picture(census: HeadCensusLike, x: str = score_plot.X, y: str = score_plot.Y) -> Picture:
    """Two scores of every head.

    Raises:
        SelectionError: the table has no such column.
    """
    check_column(census.table, x)
    check_column(census.table, y)
    title = f"Heads of {_of(census)}"

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.scatter import plot_scores

        return plot_scores(census.table, title, x=x, y=y)

    return Picture(title, lambda: draw_scores(census.table, title, x=x, y=y), plot)


def causal_picture(census: HeadCensusLike) -> Picture:
    """The rise in loss without each head, and with position alone."""
    title = f"Causal check, {_of(census)}"

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.scatter import plot_causal_check

        return plot_causal_check(census.table, title)

    return Picture(title, lambda: draw_causal_check(census.table, title), plot)


def formation_picture(table: Table, title: str) -> Picture:
    """The scores of all heads over the steps of a training run."""

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.formation import plot_formation

        return plot_formation(table, title)

    return Picture(title, lambda: draw_formation(table, title), plot)


def neuron_kind_picture(table: Table) -> Picture:
    """The share of the neurons of each layer that is of each kind."""
    model = shown_name(table.notes["model"])
    title = f"Neurons of {model} on {table.notes['text']}"
    models = {model: kind_shares(table)}

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.layers import plot_kind_shares

        return plot_kind_shares(models, title)

    return Picture(title, lambda: draw_kind_shares(models, title), plot)


def neuron_score_picture(table: Table) -> Picture:
    """Purity and AUROC of every neuron."""
    layers = sorted(set(table["layer"]))
    plural = "s" if len(layers) > 1 else ""
    model = shown_name(table.notes["model"])
    title = f"Neurons of layer{plural} {', '.join(map(str, layers))} of {model}"

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.scatter import plot_neurons

        return plot_neurons(table, title)

    return Picture(title, lambda: draw_neurons(table, title), plot)


def account_picture(table: Table) -> Picture:
    """What each rung recovers of a model's loss, and with how many stored numbers."""
    title = account_title(table)

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.account import plot_account

        return plot_account(table, title)

    return Picture(title, lambda: draw_account(table, title), plot)


def account_title(table: Table) -> str:
    """What stands above the picture of an account."""
    return f"What simple stories recover of {shown_name(table.notes['model'])}"


def ladder_picture(ladder: Ladder, model: str) -> Picture:
    """What each rung explains and keeps of one head or neuron of ``model``."""
    title = f"{ladder.name}, {shown_name(model)}"

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.account import plot_ladder

        return plot_ladder(ladder, title)

    return Picture(title, lambda: draw_ladder(ladder, title), plot)


def attribution_picture(
    parts: Parts, names: Sequence[str], after: str, position: int, model: str
) -> Picture:
    """What raises and what lowers a logit, in both forms.

    Args:
        parts: the attribution.
        names: the token, and the one whose logit is taken off, if there is one.
        after: the token at the position.
        position: after which the token is predicted.
        model: what to call it.
    """
    tokens = " against ".join(show_token(name) for name in names)
    where = f"after {show_token(after)} ({position}), {model}"
    title = f"Direct logit attribution of {tokens} {where}"

    def plot() -> go.Figure:
        from tinyinterp.views.interactive.attribution import plot_attribution

        return plot_attribution(parts, title)

    return Picture(title, lambda: draw_attribution(parts, title), plot)


def _of(census: HeadCensusLike) -> str:
    return f"{shown_name(census.model_name)} on {census.corpus_name}"
