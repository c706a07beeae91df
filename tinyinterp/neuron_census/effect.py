"""What a neuron does to the next token: the direct path from its output weights to the logits."""

from __future__ import annotations

from tinyinterp.network.decoder import Decoder
from tinyinterp.text.tokenizer import Tokenizer

TOKENS_SHOWN = 5
NEURONS_AT_ONCE = 512


def raised_and_lowered(
    decoder: Decoder, tokenizer: Tokenizer, layer: int
) -> tuple[list[list[str]], list[list[str]]]:
    """For every neuron the tokens whose logits it raises most, and lowers most, when it is active.

    ``W_out W_U`` with the final norm's scale folded into ``W_U`` and the mean over the residual
    stream, which that norm removes, taken out. What layers above make of the neuron's output is not
    seen here. Strongest first.
    """
    n_tokens = min(tokenizer.n_vocab, decoder.config.n_vocab)
    gain = decoder.ln_final.weight
    unembed = (decoder.unembed.weight[:n_tokens] * gain).double()  # [token d_model]
    unembed -= unembed.mean(dim=1, keepdim=True)
    out = decoder.block(layer).mlp.down.weight.double()  # [d_model neuron]
    texts = [tokenizer.token_text(token) for token in range(n_tokens)]
    raises: list[list[str]] = []
    lowers: list[list[str]] = []
    for chunk in out.split(NEURONS_AT_ONCE, dim=1):
        logits = chunk.T @ unembed.T
        for found, largest in ((raises, True), (lowers, False)):
            order = logits.topk(min(TOKENS_SHOWN, n_tokens), dim=1, largest=largest).indices
            found += [[texts[token] for token in row] for row in order.tolist()]
    return raises, lowers
