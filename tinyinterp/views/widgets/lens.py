"""The logit lens as a table: what the model would predict after each layer, at every token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup
from matplotlib.colors import to_hex

from tinyinterp.views import style
from tinyinterp.views.page import short
from tinyinterp.views.widgets.legend import sequential_legend
from tinyinterp.views.widgets.widget import Widget


@dataclass(frozen=True, eq=False)
class LensRows:
    """What :class:`tinyinterp.run.Lens` holds, with the text of the tokens.

    Args:
        words: the text of each token id that occurs.
        tokens: the likeliest, the likeliest first.
        probabilities: theirs.
        next_probability: of the token that does come next; NaN where none does.
        next_rank: of that token; 1 is the likeliest.
    """

    words: dict[int, str]
    tokens: Int[np.ndarray, "level position k"]
    probabilities: Float[np.ndarray, "level position k"]
    next_probability: Float[np.ndarray, "level position"]
    next_rank: Int[np.ndarray, "level position"]


def lens_widget(lens: LensRows, tokens: Sequence[str], levels: Sequence[str], title: str) -> Widget:
    """A row for each level, the output on top; a column for each token of the text.

    Args:
        lens: what is read at each level, the embedding first.
        tokens: the text, one string a position.
        levels: the names of the levels.
        title: above the widget.
    """
    words = [style.show_token(token) for token in tokens]
    known = {number: at for at, number in enumerate(lens.words)}
    texts = [style.show_token(text) for text in lens.words.values()]
    order = range(len(levels))[::-1]
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            levels[level],
            Markup("").join(
                _cell(
                    texts[known[int(lens.tokens[level, at, 0])]],
                    float(lens.probabilities[level, at, 0]),
                    right=int(lens.next_rank[level, at]) == 1,
                    first=level == order[0] and at == 0,
                )
                for at in range(len(words))
            ),
        )
        for level in order
    )
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(word) for word in words)
    static = Markup(
        '{}<p class="readout" aria-live="polite">Each cell is the likeliest next token; it is '
        "underlined where that token does come next. Hover over a cell, or use the arrow keys, for "
        'more.</p><div class="scrolled" tabindex="0" role="group" aria-label="table"><table><thead>'
        '<tr><th scope="row">after, at</th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(sequential_legend("probability", 1.0), head, body)
    rows = [[_details(lens, known, level, at) for at in range(len(words))] for level in order]
    data = {
        "kind": "lens",
        "tokens": words,
        "levels": [levels[level] for level in order],
        "words": texts,
        "rows": rows,
    }
    return Widget(title, static, data)


def _cell(word: str, probability: float, *, right: bool, first: bool) -> Markup:
    colour = to_hex(style.attention_map()(float(style.attention_norm()(probability))))
    return Markup('<td tabindex="{}"{} style="background:{};color:{}">{}</td>').format(
        0 if first else -1,
        Markup(' class="right"') if right else "",
        colour,
        style.ink_on(colour),
        word,
    )


def _details(lens: LensRows, known: dict[int, int], level: int, at: int) -> dict[str, object]:
    likeliest = [
        (known[int(token)], f"{probability:.3f}")
        for token, probability in zip(
            lens.tokens[level, at], lens.probabilities[level, at], strict=True
        )
    ]
    rank = int(lens.next_rank[level, at])
    following = (rank, short(float(lens.next_probability[level, at]))) if rank else None
    return {"likeliest": likeliest, "next": following}
