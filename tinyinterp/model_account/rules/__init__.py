"""What a neuron fires on, in words: patterns of tokens and parts of speech, found and scored.

FIT stories ─┬► text index: every pattern that ends at a token
             └► hits of every neuron ──► choice by F1 ──► TEST stories: precision, recall, F1
"""

from __future__ import annotations

from tinyinterp.model_account.rules.find import (
    NeuronRules,
    RuleSettings,
    choose_patterns,
    choose_tokens,
    find_rules,
)
from tinyinterp.model_account.rules.hits import HitLists, Hits
from tinyinterp.model_account.rules.scores import ClaimCounter, Claims, Counts
from tinyinterp.model_account.rules.summary import LayerOfRules, summarize_rules
from tinyinterp.model_account.rules.text_index import TextIndex
from tinyinterp.model_account.rules.wording import Wording

__all__ = [
    "ClaimCounter",
    "Claims",
    "Counts",
    "HitLists",
    "Hits",
    "LayerOfRules",
    "NeuronRules",
    "RuleSettings",
    "TextIndex",
    "Wording",
    "choose_patterns",
    "choose_tokens",
    "find_rules",
    "summarize_rules",
]
