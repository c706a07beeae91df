"""Corrections of *'s*, *to*, *that*, *her*, *there* and *like*, by the words around them.

The tagger's lexicon has one tag for each word, whatever stands beside it.
"""

from __future__ import annotations

from tinyinterp.tagging.sentence import (
    AUXILIARIES,
    BE,
    FINITE,
    HAVE,
    NOMINAL,
    NOMINATIVE,
    NOT,
    NOUNS,
    OBJECTS,
    Sentence,
    may_be_verb,
)

SUBJECTS = (  # before 's, which is a verb
    *("it", "he", "she", "that", "this", "there", "here", "what", "who", "where", "how", "when"),
    *("why", "everything", "something", "nothing"),
)
AFTER_IS = ("DT", "PRP$", "PRP", "TO", "EX")  # the food's on, Tom's a boy; never after a possessive
VERY = ("not", "so", "too", "very", "just", "also", "always", "already", "still", "really", "ever")
COMING = ("going", "coming", "getting", "trying", "gone", "been", "gonna", "gon", "okay", "ok")
TO_GO = (  # to bed, to school: these nouns follow "to" without an article
    *(
        "bed",
        "school",
        "town",
        "church",
        "lunch",
        "dinner",
        "breakfast",
        "class",
        "court",
        "college",
    ),
    *("heaven", "space", "market", "camp", "land", "shore", "safety", "war", "death", "life"),
    *("home", "music", "people", "side", "top", "front", "back", "date", "end"),
)
WANT = (  # before "to" and a verb
    *("want", "wants", "wanted", "need", "needs", "needed", "try", "tries", "tried", "trying"),
    *("have", "has", "had", "having", "like", "likes", "liked", "love", "loves", "loved"),
    *("going", "able", "unable", "ready", "used", "allowed", "how", "what", "where", "ought"),
    *("begin", "began", "begins", "start", "started", "starts", "decided", "decide", "forgot"),
    *("forget", "hope", "hoped", "learn", "learned", "happy", "glad", "excited", "supposed"),
    *("chance", "place", "time", "way", "order", "about", "easy", "hard", "fun", "free", "afraid"),
    *("eager", "wish", "wished", "wanna", "offered", "promised", "agreed", "refused", "helped"),
)
IDEAS = ("fact", "idea", "news", "hope", "belief", "feeling", "sure", "way", "so", "now", "sign")
MAY_BE_THERE = (
    *BE,
    *HAVE,
    "'s",
    "nothing",
    "seems",
    "seemed",
    "lived",
    "came",
    "might",
    "must",
    "exists",
)


def mend_function_words(sentence: Sentence) -> None:
    """Correct the tags of these words in place, and of a verb or a noun that one of them shows."""
    for i, word in enumerate(sentence.lower):
        rule = RULES.get(word)
        if rule is not None:
            rule(sentence, i)


def _clitic(s: Sentence, i: int) -> None:
    """*'s*: us after *let*; a verb after a pronoun, or before what is never possessed."""
    if s.word(i - 1) == "let":
        s.tags[i] = "PRP"
        if s.tag(i + 1) in NOUNS and may_be_verb(s.word(i + 1)):
            s.tags[i + 1] = "VB"
    elif s.word(i - 1) in SUBJECTS or s.tag(i - 1) in ("PRP", "EX", "WRB"):
        s.tags[i] = "VBZ"
    elif s.tags[i] == "POS" and i > 0:
        follows = s.word(i + 1)
        if s.tag(i + 1) in AFTER_IS or follows in VERY + COMING or follows in NOT:
            s.tags[i] = "VBZ"


def _apostrophe(s: Sentence, i: int) -> None:
    """The possessive of a plural (*dogs'*); not a quotation mark that closes another."""
    opened = sum(mark in ("'", "‘") for mark in s.lower[:i]) % 2
    plural = s.word(i - 1).endswith("s") and s.tag(i + 1) in (*NOUNS, "JJ")
    s.tags[i] = "POS" if plural and not opened else "''"


def _to(s: Sentence, i: int) -> None:
    """The particle of an infinitive (``TO``) or a preposition (``IN``)."""
    at = i + 1
    if s.tag(at) in ("RB", "RBR") or s.word(at) in ("both", "better"):
        at += 1  # to really help
    before, after, tag = s.word(i - 1), s.word(at), s.tag(at)
    name = s.words[at][:1].isupper() and not s.words[i].isupper() if at < len(s.words) else False
    if s.mark(at):
        infinitive = before in WANT
    elif tag in ("VB", "VBP"):
        infinitive = not (name and not s.starts(i))
    elif name or tag not in (*NOUNS, "JJ", "VBD", "VBN") or not _bare_verb(s, at):
        infinitive = False
    elif after in TO_GO:
        infinitive = s.tag(at + 1) in OBJECTS
    elif before in WANT or s.starts(i):
        infinitive = True
    else:
        infinitive = s.tag(at + 1) in (*OBJECTS, "IN", "RB", "TO") or _marks_end(s, at, before)
    s.tags[i] = "TO" if infinitive else "IN"
    if infinitive and not s.mark(at):
        s.tags[at] = "VB"


def _bare_verb(s: Sentence, at: int) -> bool:
    if s.tag(at) in ("VBD", "VBN"):  # to put, to read
        return not s.word(at).endswith("ed") and may_be_verb(s.word(at))
    return s.tag(at) != "NNS" and may_be_verb(s.word(at))


def _marks_end(s: Sentence, at: int, before: str) -> bool:
    """*ready to rock!*, but not *back to work!*"""
    return s.mark(at + 1) and s.tag(at) != "JJ" and before.endswith(("ed", "y", "ing", "me", "you"))


def _that(s: Sentence, i: int) -> None:
    """A determiner or pronoun (``DT``), a relative (``WDT``), a conjunction (``IN``)."""
    before, after, beyond = s.tag(i - 1), s.tag(i + 1), s.tag(i + 2)
    noun = before in (*NOMINAL, "DT", "VBG") and s.word(i - 1) not in IDEAS
    clause = i == 0 or s.mark(i - 1) or before in ("CC", "UH", "RB", "WRB")
    told = before.startswith(("VB", "JJ", "PRP"))  # said that, happy that, told him that
    one = after == "NN" or s.word(i + 1) in ("one", "same") or (after == "JJ" and beyond == "NN")
    if s.word(i + 1) in (",", '"') and before != "IN":
        return
    if s.mark(i + 1) or after in ("CC", "WDT") or s.word(i + 1) in ("of", "because", "too"):
        s.tags[i] = "DT"
    elif after in FINITE or s.word(i + 1) == "'s":
        s.tags[i] = "WDT" if noun and not clause else "DT"
    elif before in NOUNS and _finite_after(s, i):
        s.tags[i], s.tags[i + 1] = "WDT", "VBD" if after == "VBN" else "VBP"
    elif one:
        if before == "IN" or not (beyond in NOUNS or (told and beyond in FINITE)):
            s.tags[i] = "DT"
    elif after in ("JJ", "RB") and s.word(i - 1) in (*NOT, "all"):
        s.tags[i] = "RB"
    else:
        s.tags[i] = _that_of_phrase(s, i, noun=noun)


def _finite_after(s: Sentence, i: int) -> bool:
    """*the dogs that chase cats*: a verb that is tagged otherwise."""
    after, plural = s.tag(i + 1), s.tag(i - 1) == "NNS" and s.tag(i + 2) != ""
    return after in ("VBN", "VB") or (plural and after == "NN" and may_be_verb(s.word(i + 1)))


def _that_of_phrase(s: Sentence, i: int, *, noun: bool) -> str:
    """*of that*; *the ball that she loved*; *do that for me*."""
    before, after = s.tag(i - 1), s.tag(i + 1)
    if before in ("IN", "TO") and s.word(i - 1) not in ("so", "except"):
        return "DT"
    if noun and before in NOUNS and after in ("PRP", "DT", "EX", "PRP$", "RB"):
        return "WDT"
    return "DT" if before == "VB" and after == "IN" else s.tags[i]


def _her(s: Sentence, i: int) -> None:
    """A possessive before a noun or what describes it."""
    described = ("NN", "NNS", "NNP", "JJ", "JJS", "JJR", "CD", "VBN", "VBG")
    s.tags[i] = "PRP$" if s.tag(i + 1) in described else "PRP"


def _there(s: Sentence, i: int) -> None:
    """The subject of *there is*, or an adverb."""
    at = i + 1 + (s.tag(i + 1) == "RB")
    here = s.word(at) in MAY_BE_THERE or s.tag(i + 1) == "MD"
    asked = s.word(i - 1) in (*BE, "'s") and s.tag(i + 1) in ("DT", "NN", "NNS", "JJ", "CD", "PRP$")
    s.tags[i] = "EX" if here or asked else "RB"


def _like(s: Sentence, i: int) -> None:
    """A verb after a subject, an auxiliary or *to*; otherwise a preposition."""
    at = s.before(i, NOT)
    before = s.word(at)
    if before in (*AUXILIARIES, "'d", "to") and at >= 0:
        s.tags[i] = "VB"
    elif before in (*NOMINATIVE, "you") or (s.tag(i + 1) == "TO" and s.tag(i - 1) in NOMINAL):
        asked = s.word(at - 1) in AUXILIARIES
        s.tags[i] = "VB" if asked else "VBP"


def _as(s: Sentence, i: int) -> None:
    """*as big as*: the first is an adverb."""
    if "as" in s.lower[i + 2 : i + 4] and s.tag(i + 1) in ("JJ", "RB"):
        s.tags[i] = "RB"


def _about(s: Sentence, i: int) -> None:
    """*about ten* dogs."""
    if s.tag(i + 1) == "CD":
        s.tags[i] = "RB"


def _much(s: Sentence, i: int) -> None:
    """*much bigger*, *liked it very much*; but *so much milk*."""
    degree = s.word(i - 1) in ("so", "very", "too", "how", "pretty")
    if s.tag(i + 1) in ("JJR", "RBR") or (degree and s.tag(i + 1) not in (*NOUNS, "JJ", "NNP")):
        s.tags[i] = "RB"


RULES = {
    "as": _as,
    "about": _about,
    "much": _much,
    "'s": _clitic,
    "'": _apostrophe,
    "to": _to,
    "that": _that,
    "her": _her,
    "there": _there,
    "like": _like,
}
