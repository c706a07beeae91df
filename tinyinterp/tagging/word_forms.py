"""Corrections of verbs, participles and words with a capital, by the words around them."""

from __future__ import annotations

from tinyinterp.tagging.sentence import (
    AUXILIARIES,
    BE,
    HAVE,
    NOMINATIVE,
    NOT,
    NOUNS,
    Sentence,
    lexicon_tag,
)

FEELINGS = frozenset(  # participles that are adjectives unless an object follows
    ["tired", "excited", "scared", "worried", "interested", "surprised", "pleased", "amazed", "bored", "confused", "disappointed", "embarrassed", "frightened", "relaxed", "satisfied", "annoyed", "delighted", "terrified", "exhausted", "thrilled", "puzzled", "concerned", "determined", "ashamed", "married", "wicked", "naked", "crooked", "rugged", "beloved", "sacred", "advanced", "detailed", "limited", "unlimited", "united", "talented", "gifted", "retired", "complicated", "sophisticated", "experienced", "inexperienced", "dedicated", "crowded", "spotted", "striped", "colored", "pointed", "curved", "wounded", "stuffed", "qualified", "skilled", "educated", "renowned", "overrated", "unexpected", "unwanted", "unused", "untitled", "so-called", "blessed", "aged", "rotten", "broken", "hidden"]
)
EXCLAMATIONS = frozenset(
    ["yes", "yeah", "yep", "nope", "oh", "ooh", "wow", "hey", "hi", "hello", "bye", "goodbye", "yay", "hooray", "hurray", "hurrah", "ouch", "ah", "aha", "oops", "uh", "um", "hmm", "haha", "ha", "ok", "okay", "please", "ugh", "uh-oh", "yum", "yuck", "whee", "woof", "meow", "boo", "shh", "eek", "alas"]
)
AT_START = ("no", "well", "welcome", "great", "good", "sorry")  # then a mark: No, ... Well, ...
BEGIN = ("start", "started", "starts", "began", "begin", "begins", "kept", "keep", "keeps", "stop")
BEGIN += ("stopped", "stops", "enjoy", "enjoyed", "loved", "by", "without", "go", "went")
PLAIN = ("JJ", "JJR", "JJS", "RB", "VBN", "VBG", "VBD", "VB", "VBP", "UH", "IN", "DT", "PRP", "WRB")


def mend_word_forms(sentence: Sentence) -> None:
    """Correct the tags in place."""
    for i in range(len(sentence.tags)):
        _number(sentence, i)
        _exclamation(sentence, i)
        _capital(sentence, i)
        _ing(sentence, i)
        _participle(sentence, i)
        _base(sentence, i)


def _number(s: Sentence, i: int) -> None:
    """A number in figures; the lexicon has *2* as a preposition."""
    if s.words[i].replace(",", "").replace(".", "").isdecimal():
        s.tags[i] = "CD"


def _exclamation(s: Sentence, i: int) -> None:
    word = s.word(i)
    if (word in EXCLAMATIONS and s.tags[i] not in ("UH", "VBD", "VBZ")) or (word in AT_START[:2] and s.starts(i) and s.mark(i + 1) and i + 1 < len(s.words)):
        s.tags[i] = "UH"


def _capital(s: Sentence, i: int) -> None:
    """A capital at the start of a sentence makes no name of an adjective, an adverb or a verb."""
    if s.tags[i] != "NNP" or not s.starts(i):
        return
    plain, after = lexicon_tag(s.word(i)), s.tag(i + 1)
    if plain.startswith("VB") and plain not in ("VBG", "VBN"):
        if after in ("DT", "PRP", "PRP$") or s.word(i + 1) in ("all", "to"):
            s.tags[i] = "VB"
    elif plain in PLAIN and (after in (*NOUNS, "JJ", "NNP", "TO", "IN") or s.mark(i + 1)):
        if not (s.word(i + 1) in (",", "'") and s.word(i) not in AT_START):
            s.tags[i] = plain


def _ing(s: Sentence, i: int) -> None:
    """*was building* is a verb; *the building* is none unless a noun follows."""
    if not s.word(i).endswith("ing"):
        return
    before = s.word(s.before(i, NOT))
    if s.tags[i] == "NN" and (before in (*BE, "'s") or before in BEGIN) and s.word(i) != "thing":
        if lexicon_tag(s.word(i)[:-3]) or lexicon_tag(s.word(i)[:-3] + "e"):
            s.tags[i] = "VBG"
    elif s.tags[i] == "VBG" and s.tag(i - 1) in ("DT", "PRP$", "POS", "JJ"):
        if s.tag(i + 1) in ("IN", "VBZ", "VBD", "MD", "CC", "") or s.mark(i + 1):
            s.tags[i] = "NN"


def _participle(s: Sentence, i: int) -> None:
    """``VBN`` after *have* or *be*, ``VBD`` after a subject, ``JJ`` of feelings."""
    if s.tags[i] not in ("VBN", "VBD"):
        return
    at = s.before(i, NOT)
    before = s.word(at) if at >= 0 else ""
    if (
        s.word(i) in FEELINGS
        and s.tag(i + 1) not in ("DT", "PRP", "PRP$")
        and s.word(i + 1) != "by"
    ):
        if before not in HAVE:
            s.tags[i] = "JJ"
    elif before in (*BE, *HAVE, "'s", "got", "get", "gets"):
        s.tags[i] = "VBN"
    elif s.tag(at) in ("PRP", "NNP", "WP", "WDT", "EX") and at >= 0:
        earlier = s.word(s.before(at, NOT))
        s.tags[i] = "VBN" if earlier in (*BE, *HAVE) and s.tag(at) == "PRP" else "VBD"


def _base(s: Sentence, i: int) -> None:
    """The base form (``VB``) after an auxiliary, the present (``VBP``) after a subject."""
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
