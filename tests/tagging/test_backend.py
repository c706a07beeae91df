"""textblob's tagger is loaded without textblob, and is the same."""

from __future__ import annotations

import subprocess
import sys
import warnings

from models import STORIES
from runs import SIMPLE_STORIES

from tinyinterp.tagging.backend import lexicon, penn_tags

WORDS = (
    *(word for story in (*STORIES, *SIMPLE_STORIES) for word in story.split()),
    *("blorping", "blorply", "blorps", "blorpous", "well-blorped", "Blorp", "BLORP", "blorped"),
    *("3", "3.5", "$7", "1/2", "'s", "n't", "“", "né", "&slash;", "blorpize", "The", "the"),
)
IMPORTED = """
import sys
from tinyinterp.tagging.pattern import PatternTagger
print(PatternTagger().tag([["the", "dog", "ran"], ["A", "cat"]]))
print({"textblob", "nltk"} & sys.modules.keys())
"""


def test_it_gives_the_tags_of_textblob():
    from textblob.en import lexicon as theirs
    from textblob.en import tag

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # textblob leaves its file open
        expected = [tag for _, tag in tag(" ".join(WORDS), tokenize=False)]
        again = [tag for _, tag in tag(" ".join(reversed(WORDS)), tokenize=False)]
    assert penn_tags(WORDS) == expected
    assert penn_tags(WORDS[::-1]) == again
    assert len(set(expected)) >= 20
    assert dict(lexicon()) == dict(theirs)


def test_neither_textblob_nor_nltk_is_imported():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTED], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["['DET', 'NOUN', 'VERB', 'DET', 'NOUN']", "set()"]
