"""Models whose rungs are known by construction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted.head_models import Plan, PlantedHeads, build, forge_for

from tinyinterp.model_account.fit import fit_ladders
from tinyinterp.model_account.gist import gist_of
from tinyinterp.model_account.judged import explained_shares
from tinyinterp.model_account.ladder import RUNGS
from tinyinterp.model_account.score import ScorePass
from tinyinterp.model_account.tags import TagRows
from tinyinterp.tagging import TagReader
from tinyinterp.text.sequences import Side

ENOUGH = 0.8  # of E KL(A || U)
SORTS = ("previous", "offset", "decay", "class", "duplicate", "induction")


def planted(folder: Path, seed: int, **changes: object) -> PlantedHeads:
    plan = Plan(
        seed,
        n_vocab=311,
        n_heads=5,
        attention=("global", "global"),
        n_stories=150,
        n_words=5,
        **changes,
    )  # pyright: ignore[reportArgumentType]
    forge = forge_for(plan)
    noun = forge.word_class(str(forge.features.classes[0]))
    layers = [
        [forge.offset(1, copies=True), forge.offset(3), forge.decay(2.5), noun, forge.duplicate()],
        [forge.offset(2), forge.decay(4.0), noun, forge.duplicate(), forge.induction()],
    ]
    return build(folder, plan, layers, forge=forge)


EXPECTED = [
    ["position", "position", "position", "tokens", "tokens"],
    ["position", "position", "tokens", "tokens", "predecessor"],
]


@pytest.mark.parametrize(
    ("seed", "changes"),
    [(3, {}), (4, {"architecture": "gpt2"}), (5, {"d_head": 31})],
)
def test_every_head_has_its_rung(tmp_path: Path, seed: int, changes: dict[str, object]):
    made = planted(tmp_path / "m", seed, **changes)
    corpus, decoder = made.corpus, made.model.decoder
    tags = TagRows(TagReader())
    test = list(corpus.micro_batches(Side.TEST))
    fitted = fit_ladders(
        decoder,
        lambda: corpus.micro_batches(Side.FIT),
        test,
        tags,
        gist_of(decoder, made.model.tokenizer),
        order=3,
        seed=0,
    )
    scores = ScorePass(decoder, fitted, tags, len(RUNGS)).read(test)
    shares = explained_shares(scores, seed=0).value
    found = [
        [RUNGS[int(np.argmax(shares[:, layer, head] >= ENOUGH))] for head in range(5)]
        for layer in range(2)
    ]
    assert (shares.max(0) >= ENOUGH).all(), shares.round(2)
    assert found == EXPECTED, shares.round(2)
