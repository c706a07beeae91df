from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from models import N_CTX, tiny_checkpoint, tiny_tokenizer
from planted.patterns import random_words

from tinyinterp.head_census import census_heads
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.text.corpus import corpus_of


@pytest.fixture(scope="module")
def census(tmp_path_factory):
    random, known = np.random.default_rng(0), np.array(random_words(40))
    texts = [" ".join(random.choice(known, size=7)) for _ in range(41)]
    model = Model(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), "tiny")
    return census_heads(model, corpus_of(texts, tiny_tokenizer(), N_CTX))


def test_the_page_counts_what_the_table_holds(script, census):
    page = script.page(census)
    counts = Counter(census.table["kind"])
    for kind, count in counts.items():
        assert re.search(rf"\b{count} are {kind}\b", page)
    (total,) = re.findall(r"^\| all \|(.*)\|$", page, re.MULTILINE)
    assert sorted(int(cell) for cell in total.split("|")) == sorted(counts.values())
    assert f"{census.table.notes['tokens']:,} tokens" in page
    for heading in ("Kinds by layer", "report's rule disagrees", "causal check says", "in words"):
        assert re.search(rf"^## .*{heading}", page, re.MULTILINE)
    assert "nan" not in page.lower().split()


def test_a_page_without_any_semantic_head_is_written(script, census):
    sinks = [row | {"kind": "sink", "role": "", "causal_check": ""} for row in census.table]
    whole = Table("heads", sinks, notes=census.table.notes)
    page = script.page(replace(census, table=whole))
    assert "The 0 semantic heads: none." in page
