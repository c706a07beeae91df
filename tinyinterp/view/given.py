"""What is refused before anything is drawn: the wrong kind of thing, in one sentence each."""

from __future__ import annotations

from typing import TypeGuard

from tinyinterp.errors import SelectionError
from tinyinterp.io.table import Table
from tinyinterp.model import Model, require_model
from tinyinterp.run import Run
from tinyinterp.views.census import HeadCensusLike

HEADS, NEURONS = "tinyinterp.heads(model)", "tinyinterp.neurons(model, layer=...)"


def run_of(model: Model, text: str | Run) -> Run:
    """What the model does with a text, or the run itself if it is one of this model.

    Raises:
        CorpusError: the text is no string, is empty, or is too long.
        SelectionError: no model was given, or the run is of another one.
    """
    require_model(model)
    if not isinstance(text, Run):
        return model.run(text)
    config = model.config
    found = (*text.patterns.shape[:2], text.activations.shape[-1], text.logits.shape[-1])
    wanted = (config.n_layers, config.n_heads, config.d_mlp, config.n_vocab)
    if found != wanted:
        raise SelectionError(
            f"the run is of a model with {found[0]} layers of {found[1]} heads and {found[2]} "
            f"neurons and {found[3]} tokens, not of {model.name!r}: run the text through this one"
        )
    return text


def name_of_run(model: Model, run: Run) -> str:
    """The model, and what was switched off, for a title."""
    from tinyinterp.views.style import shown_name

    name = shown_name(model.name)
    if not run.off:
        return name
    listed = ", ".join(map(str, run.off[:4]))
    more = f" and {len(run.off) - 4} more" if len(run.off) > 4 else ""
    return f"{name} without {listed}{more}"


def is_head_census(given: object) -> TypeGuard[HeadCensusLike]:
    """Whether it is a census of heads; a census of neurons is none.

    Raises:
        SelectionError: it is neither.
    """
    if isinstance(given, HeadCensusLike):
        return True
    table = getattr(given, "table", None)
    if isinstance(table, Table) and {"layer", "neuron", "kind"} <= set(table.columns):
        return False
    raise SelectionError(
        f"{_what(given)}, but this shows a census: take one with {HEADS} or {NEURONS}"
    )


def require_head_census(given: object, shows: str) -> None:
    """Refuse everything but a census of heads.

    Args:
        given: what was given.
        shows: what the picture shows, as the start of a sentence.

    Raises:
        SelectionError: it is something else.
    """
    if not is_head_census(given):
        raise SelectionError(
            f"a census of neurons was given, but {shows} of heads: take their census with {HEADS}"
        )


def require_account(given: object) -> None:
    """Refuse everything but an account.

    Raises:
        SelectionError: it is something else.
    """
    from tinyinterp.model_account import ModelAccount

    if not isinstance(given, ModelAccount):
        raise SelectionError(
            f"{_what(given)}, but this shows an account: take one with tinyinterp.account(model)"
        )


def require_formation(given: object) -> None:
    """Refuse everything but the table of heads over training.

    Raises:
        SelectionError: it is something else.
    """
    if not (isinstance(given, Table) and {"step", "layer", "head"} <= set(given.columns)):
        raise SelectionError(
            f"{_what(given)}, but this shows the table of "
            "tinyinterp.head_census.formation.follow_heads: give that"
        )


def _what(given: object) -> str:
    if isinstance(given, Model):
        return "a model was given"
    if given is None or isinstance(given, (str, int, float, list, tuple, dict)):
        return f"{given!r:.60} was given"
    return f"{type(given).__name__} was given"
