"""Looking, in a notebook or as a page: heads, neurons, and what a census or an account found.

    from tinyinterp import view

    view.text(model, "Once upon a time")
    view.attention(model, "Once upon a time", layer=2)
    view.head_lines(model, "Once upon a time", layer=2, head=5)
    view.lens(model, "Once upon a time")
    view.neurons(model, "Once upon a time", layer=4, neuron=[5, 17])
    view.top_tokens(census, layer=4, neuron=17)
    view.pattern(tokens, array)
    view.values(tokens, array)

give a :class:`Widget`, which a notebook shows and ``.save("page.html")`` writes as a page;

    view.logit_attribution(model, "Once upon a time")
    view.kinds(census)
    view.scores(census)
    view.profiles(census)
    view.causal(census)
    view.formation(table)
    view.account(account)
    view.ladder(account, layer=3, head=0)

a :class:`Picture`, which a notebook shows with plotly, and which ``.save`` writes with plotly
(``.html``) or matplotlib (``.png``, ``.svg``, ``.pdf``). None of them needs a network. In place of
a text, those of a model take what ``model.run(text, off=...)`` gives.
"""

from tinyinterp.view.of_arrays import pattern, values
from tinyinterp.view.of_census import (
    account,
    causal,
    formation,
    kinds,
    ladder,
    profiles,
    scores,
)
from tinyinterp.view.of_neurons import neurons, top_tokens
from tinyinterp.view.of_text import attention, head_lines, lens, logit_attribution, text
from tinyinterp.views.picture import Picture
from tinyinterp.views.widgets import Widget

__all__ = [
    "Picture",
    "Widget",
    "account",
    "attention",
    "causal",
    "formation",
    "head_lines",
    "kinds",
    "ladder",
    "lens",
    "logit_attribution",
    "neurons",
    "pattern",
    "profiles",
    "scores",
    "text",
    "top_tokens",
    "values",
]
