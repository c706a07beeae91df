from __future__ import annotations

import pytest

from tinyinterp.evaluation.inflections import is_form_of

FORMS = (
    "running:run flowers:flower bigger:big mice:mouse boxes:box cried:cry loved:love stopped:stop "
    "happiest:happy things:thing horses:horse goes:go dishes:dish was:be hopping:hop hoping:hope "
    "wanted:want dancing:dance leaves:leaf left:leave Shouted:shout cats:Cat ran:running nicer:nice"
)
OTHERS = (
    "evening:even flower:flow mother:moth corner:corn hoping:hop king:kin need:ne bus:bu "
    "glass:glas happily:happy dog:cat morning:morn"
)


@pytest.mark.parametrize("pair", FORMS.split())
def test_a_form_is_known(pair: str):
    word, of = pair.split(":")
    assert is_form_of(word, of)
    assert is_form_of(of, word)


@pytest.mark.parametrize("pair", OTHERS.split())
def test_another_word_is_none(pair: str):
    word, of = pair.split(":")
    assert not is_form_of(word, of)
