"""The account: how much of a head, a neuron or the model a simple story explains, by running it.

    contexts ─► means ─► surrogates ─► fit      what FIT says of every context
                                        │
                           score, effects       TEST: run it in the place of heads and neurons
                                        │
                   judged ─► rows ─► account    shares with intervals, what everything needs

Beside it stand n-gram models of the same text (:mod:`ngrams`), and what the weights say without any
text (:mod:`weights`).
"""

from tinyinterp.model_account.account import AccountSettings, ModelAccount, take_account

__all__ = ["AccountSettings", "ModelAccount", "take_account"]
