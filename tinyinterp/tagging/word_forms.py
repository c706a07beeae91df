"""Corrections of verbs, participles and words with a capital, by the words around them."""

from __future__ import annotations

from tinyinterp.tagging.sentence import (
    AUXILIARIES,
    BE,
    HAVE,
    NOMINAL,
    NOMINATIVE,
    NOT,
    NOUNS,
    OBJECTS,
    Sentence,
    lexicon_tag,
    may_be_verb,
)

FEELINGS = frozenset(  # participles that are adjectives unless an object follows
    [
        "tired",
        "excited",
        "scared",
        "worried",
        "interested",
        "surprised",
        "pleased",
        "amazed",
        "bored",
        "confused",
        "disappointed",
        "embarrassed",
        "frightened",
        "relaxed",
        "satisfied",
        "annoyed",
        "delighted",
        "terrified",
        "exhausted",
        "thrilled",
        "puzzled",
        "concerned",
        "determined",
        "ashamed",
        "married",
        "wicked",
        "naked",
        "crooked",
        "rugged",
        "beloved",
        "sacred",
        "advanced",
        "detailed",
        "limited",
        "unlimited",
        "united",
        "talented",
        "gifted",
        "retired",
        "complicated",
        "sophisticated",
        "experienced",
        "inexperienced",
        "dedicated",
        "crowded",
        "spotted",
        "striped",
        "colored",
        "pointed",
        "curved",
        "wounded",
        "stuffed",
        "qualified",
        "skilled",
        "educated",
        "renowned",
        "overrated",
        "unexpected",
        "unwanted",
        "unused",
        "untitled",
        "so-called",
        "blessed",
        "aged",
        "rotten",
        "broken",
        "hidden",
    ]
)
EXCLAMATIONS = frozenset(
    [
        "yes",
        "yeah",
        "yep",
        "nope",
        "oh",
        "ooh",
        "wow",
        "hey",
        "hi",
        "hello",
        "bye",
        "goodbye",
        "yay",
        "hooray",
        "hurray",
        "hurrah",
        "ouch",
        "ah",
        "aha",
        "oops",
        "uh",
        "um",
        "hmm",
        "haha",
        "ha",
        "ok",
        "okay",
        "please",
        "ugh",
        "uh-oh",
        "yum",
        "yuck",
        "whee",
        "woof",
        "meow",
        "boo",
        "shh",
        "eek",
        "alas",
    ]
)
MAY_BE_SAID = ("ok", "okay", "goodbye", "bye", "hello", "hi")
AT_START = ("no", "well")  # No, ... Well, ...
PRAISE = ("great", "good", "sorry", "welcome", "nice", "sweet")
LONG_ING = 6  # letters: not king, wing, ring
BEGIN = ("start", "started", "starts", "began", "begin", "begins", "kept", "keep", "keeps", "stop")
BEGIN += ("stopped", "stops", "enjoy", "enjoyed", "loved", "by", "without", "go", "went")
PLAIN = ("JJ", "JJR", "JJS", "RB", "VBN", "VBG", "UH", "IN", "DT", "PRP", "WRB")
AFTER_PLAIN = (*NOUNS, "JJ", "NNP", "TO", "IN", "DT")


def mend_word_forms(sentence: Sentence) -> None:
    """Correct the tags in place."""
    for i in range(len(sentence.tags)):
        _number(sentence, i)
        _exclamation(sentence, i)
        _start(sentence, i)
        _ing(sentence, i)
        _participle(sentence, i)
        _base(sentence, i)


def _number(s: Sentence, i: int) -> None:
    """A number in figures; the lexicon has *2* as a preposition. And a country in capitals."""
    if s.words[i].replace(",", "").replace(".", "").isdecimal():
        s.tags[i] = "CD"
    elif s.words[i] == "US" and not s.words[i - 1 if i else 1 - len(s.words)].isupper():
        s.tags[i] = "NNP"


def _exclamation(s: Sentence, i: int) -> None:
    """An interjection; some of them are one only between marks (*It's okay*, *waved goodbye*)."""
    word, alone = s.word(i), s.mark(i - 1) and s.mark(i + 1)
    said = word in EXCLAMATIONS and (alone or word not in MAY_BE_SAID)
    answer = word in AT_START and s.starts(i) and i + 1 < len(s.words) and alone
    if answer or (said and s.tags[i] not in ("UH", "VBD", "VBZ")):
        s.tags[i] = "UH"


def _start(s: Sentence, i: int) -> None:
    """A capital at the start makes no name of an adjective or a verb; a verb may stand there."""
    if s.tags[i] not in ("NNP", "NN") or not s.starts(i):
        return
    plain, after = lexicon_tag(s.word(i)), s.tag(i + 1)
    objects = (
        ("PRP", "PRP$", "DT") if plain.startswith("VB") or s.tags[i] == "NN" else ("PRP", "PRP$")
    )
    if after in objects or (s.word(i + 1) == "to" and s.tags[i] == "NNP"):
        if may_be_verb(s.word(i)):
            s.tags[i] = "VB"
    elif s.tags[i] == "NNP" and plain in PLAIN and (after in AFTER_PLAIN or s.mark(i + 1)):
        comma = s.word(i + 1) in (",", "'") and s.word(i) not in PRAISE
        s.tags[i] = s.tags[i] if comma else plain


def _ing(s: Sentence, i: int) -> None:
    """*was building* is a verb; *the building* is none unless a noun follows."""
    word, after = s.word(i), s.tag(i + 1)
    if not word.endswith("ing") or len(word) < LONG_ING:
        return
    at = s.before(i, NOT)
    before = s.word(at)
    if s.tags[i] == "NN":
        going = before in BE or (before == "'s" and s.tag(at) == "VBZ") or before in BEGIN
        governs = s.tag(i - 1) == "IN" and after in OBJECTS  # of building a house
        stem = word[:-3]
        if (going or governs) and any(may_be_verb(base) for base in (stem, stem + "e", stem[:-1])):
            s.tags[i] = "VBG"
    elif s.tags[i] == "VBG" and s.tag(i - 1) in ("DT", "PRP$", "POS", "JJ"):
        ends = after in ("IN", "VBZ", "VBD", "MD", "CC", "") or s.mark(i + 1)
        s.tags[i] = "NN" if ends and before != "her" else "VBG"


def _participle(s: Sentence, i: int) -> None:
    """``VBN`` after *have* or *be*, ``VBD`` after a subject, ``JJ`` of feelings."""
    if s.tags[i] not in ("VBN", "VBD"):
        return
    word, after, at = s.word(i), s.tag(i + 1), s.before(i, NOT)
    before, subject = s.word(at), s.tag(at)
    governs = after in ("DT", "PRP", "PRP$")
    described = not governs and s.word(i + 1) != "by" and subject not in NOMINAL
    if word in FEELINGS and described and before not in HAVE:
        s.tags[i] = "JJ"
    elif before in (*BE, *HAVE, "'s", "got", "get", "gets"):
        s.tags[i] = "VBN"
    elif subject in ("PRP", "NNP", "WP", "WDT", "EX"):
        asked = subject == "PRP" and s.word(s.before(at, NOT)) in (*BE, *HAVE)
        s.tags[i] = "VBN" if asked else "VBD"
    elif subject in NOUNS and governs:
        s.tags[i] = "VBD"


def _base(s: Sentence, i: int) -> None:
    """The base form (``VB``) after an auxiliary, the present (``VBP``) after a subject."""
    if s.word(i) == "thank" and s.word(i + 1) == "you" and s.starts(i):
        s.tags[i] = "VBP"
        return
    if s.tags[i] not in ("VB", "VBP") or s.word(i) in BE:
        return
    at = s.before(i, NOT)
    before = s.word(at) if at >= 0 else ""
    earlier = s.word(s.before(at, NOT)) if at > 0 else ""
    if before in (*AUXILIARIES, "to", "'d", "let", "please") or s.starts(i):
        s.tags[i] = "VB"
    elif before in (*NOMINATIVE, "you") or s.tag(at) in ("NNS", "WDT", "WP"):
        asked = earlier in (*AUXILIARIES, "let", "make", "made", "help", "helped")
        s.tags[i] = "VB" if asked else "VBP"
