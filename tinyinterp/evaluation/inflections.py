"""Whether one word is a form of another: plurals, -s, -ed, -ing, -er, -est, and irregular forms.

Endings are taken off only where the default tagger's lexicon agrees that the rest may be such a
word, so that *evening* is no form of *even* and *flower* none of *flow*. Derived words (*happily*,
*painter*) are no forms. A word that the lexicon lacks gets the benefit of the doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tinyinterp.tagging.sentence import in_lexicon, lexicon_tag, may_be_verb

IRREGULAR = {
    form: lemma
    for lemma, forms in {
        "be": "am is are was were been being",
        "begin": "began begun",
        "bite": "bit bitten",
        "blow": "blew blown",
        "break": "broke broken",
        "bring": "brought",
        "build": "built",
        "buy": "bought",
        "catch": "caught",
        "choose": "chose chosen",
        "come": "came",
        "dig": "dug",
        "do": "did done does",
        "draw": "drew drawn",
        "drink": "drank drunk",
        "drive": "drove driven",
        "eat": "ate eaten",
        "fall": "fell fallen",
        "feed": "fed",
        "feel": "felt",
        "fight": "fought",
        "find": "found",
        "fly": "flew flown",
        "forget": "forgot forgotten",
        "forgive": "forgave forgiven",
        "freeze": "froze frozen",
        "get": "got gotten",
        "give": "gave given",
        "go": "went gone goes going",
        "grow": "grew grown",
        "hang": "hung",
        "have": "has had having",
        "hear": "heard",
        "hide": "hid hidden",
        "hold": "held",
        "keep": "kept",
        "know": "knew known",
        "lead": "led",
        "leave": "left",
        "lend": "lent",
        "lie": "lay lain lying",
        "light": "lit",
        "lose": "lost",
        "make": "made",
        "mean": "meant",
        "meet": "met",
        "pay": "paid",
        "ride": "rode ridden",
        "ring": "rang rung",
        "rise": "rose risen",
        "run": "ran",
        "say": "said",
        "see": "saw seen",
        "sell": "sold",
        "send": "sent",
        "shake": "shook shaken",
        "shine": "shone",
        "shoot": "shot",
        "show": "shown",
        "sing": "sang sung",
        "sink": "sank sunk",
        "sit": "sat",
        "sleep": "slept",
        "slide": "slid",
        "speak": "spoke spoken",
        "spend": "spent",
        "spin": "spun",
        "stand": "stood",
        "steal": "stole stolen",
        "stick": "stuck",
        "sting": "stung",
        "sweep": "swept",
        "swim": "swam swum",
        "swing": "swung",
        "take": "took taken",
        "teach": "taught",
        "tear": "tore torn",
        "tell": "told",
        "think": "thought",
        "throw": "threw thrown",
        "understand": "understood",
        "wake": "woke woken",
        "wear": "wore worn",
        "weep": "wept",
        "win": "won",
        "write": "wrote written",
        "child": "children",
        "foot": "feet",
        "goose": "geese",
        "knife": "knives",
        "leaf": "leaves",
        "life": "lives",
        "loaf": "loaves",
        "man": "men",
        "mouse": "mice",
        "shelf": "shelves",
        "thief": "thieves",
        "tooth": "teeth",
        "wife": "wives",
        "wolf": "wolves",
        "woman": "women",
        "bad": "worse worst",
        "good": "better best",
    }.items()
    for form in forms.split()
}
NO_FORMS = frozenset(["evening", "morning", "nothing", "something", "anything", "everything"])
DOUBLES = re.compile(r"[^aeiou]*[aeiou][^aeiouwxy]")  # hop: hopped, hopping, never *hoping*
SHORTEST = 3  # letters that must be left of a word
COMPARED = ("JJ", "RB", "JJR", "RBR", "JJS", "RBS")


@cache
def lemmas(word: str) -> frozenset[str]:
    """What a word may be a form of, itself included, in small letters.

    >>> sorted(lemmas("dogs")), sorted(lemmas("evening")), sorted(lemmas("mice"))
    (['dog', 'dogs'], ['evening'], ['mice', 'mouse'])
    """
    word = word.lower()
    found = {word, IRREGULAR.get(word, word)}
    found.update(stem for stem in _plain(word) if len(stem) >= SHORTEST)
    found.update(stem for stem in _of_a_verb(word) if len(stem) >= SHORTEST and may_be_verb(stem))
    found.update(stem for stem in _compared(word) if lexicon_tag(stem) in ("JJ", "RB"))
    return frozenset(found)


def is_form_of(word: str, of: str) -> bool:
    """Whether two words are forms of one.

    >>> is_form_of("shouted", "shout"), is_form_of("bigger", "big"), is_form_of("flower", "flow")
    (True, True, False)
    """
    return not lemmas(word).isdisjoint(lemmas(of))


def _plain(word: str) -> Iterator[str]:
    """Without the -s of a plural or of the third person."""
    if word.endswith("ies"):
        yield word[:-3] + "y"
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")) and not in_lexicon(word[:-1]):
        yield word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        yield word[:-1]


def _of_a_verb(word: str) -> Iterator[str]:
    """Without -ed or -ing; a doubled consonant is taken back, and an e or y restored."""
    for ending in ("ed", "ing"):
        if word.endswith(ending) and word not in NO_FORMS:
            stem = word[: -len(ending)]
            yield from _restored(stem)
            if ending == "ed" and stem.endswith("i"):
                yield stem[:-1] + "y"


def _compared(word: str) -> Iterator[str]:
    """Without -er or -est, where that compares."""
    for ending in ("er", "est"):
        if word.endswith(ending) and (lexicon_tag(word) in COMPARED or not in_lexicon(word)):
            stem = word[: -len(ending)]
            yield from _restored(stem)
            if stem.endswith("i"):
                yield stem[:-1] + "y"


def _restored(stem: str) -> Iterator[str]:
    if not DOUBLES.fullmatch(stem):
        yield stem
    yield stem + "e"
    if len(stem) > SHORTEST and stem[-1] == stem[-2]:
        yield stem[:-1]
