"""What is left out of textblob's imports stays usable, and only there."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from tinyinterp.tagging.pattern import PatternTagger
print(PatternTagger().tag([["the", "dog", "ran"]]))
print("scipy.stats" in sys.modules)
from nltk.metrics import association
print(association.fisher_exact([[8, 2], [1, 5]])[1])
from scipy import stats
print(stats.fisher_exact([[8, 2], [1, 5]])[1])
"""


def test_textblob_does_without_statistics_and_nltk_gets_them_when_they_are_asked_for():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    tags, loaded, found, expected = done.stdout.splitlines()
    assert tags == "['DET', 'NOUN', 'VERB']"
    assert loaded == "False"
    assert found == expected
