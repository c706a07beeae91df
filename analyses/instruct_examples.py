"""Stories with instructions, derived from plain stories, in the form of TinyStoriesInstruct.

    python -m analyses.instruct_examples --text train.txt --out instruct.txt

For machines that cannot reach the published TinyStoriesInstruct. Each instruction is true of its
story: three words of it (a noun, a verb and an adjective), the feature Dialogue where somebody
speaks, and one of its sentences, each field left out for some stories. Summaries and the other
features are absent: nothing here could write them honestly.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tinyinterp.io.files import replacing_file
from tinyinterp.tagging import TagReader
from tinyinterp.text.instruct import Instruction, prompt
from tinyinterp.text.stories import read_stories
from tinyinterp.text.tokenizer import END_OF_TEXT

TAGS = ("NOUN", "VERB", "ADJ")
LEFT_OUT = 0.3  # share of the stories for which a field is left out
SENTENCE = re.compile(r"[A-Z][^.!?\"“”\n]{8,120}[.!?]")
SPEAKS = re.compile(r"[\"“][^\"“”]+[\"”]")
PLAIN = re.compile(r"[a-z]{3,}")


def main() -> None:
    """Write the examples."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    write_derived(options.text, options.out)


def write_derived(text: Path, out: Path) -> None:
    """Write an example for each story, an end-of-text line after each."""
    with replacing_file(out) as path, path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{each}\n{END_OF_TEXT}\n" for each in derived(read_stories(text)))


def derived(stories: Iterator[str]) -> Iterator[str]:
    """The same stories, each after an instruction that depends on the story alone."""
    reader = TagReader()
    for story in stories:
        told = " ".join(story.split())
        if told:
            yield prompt(instruction_of(told, reader)) + told


def instruction_of(story: str, reader: TagReader) -> Instruction:
    """An instruction that the story follows.

    Args:
        story: in one line.
        reader: of parts of speech.
    """
    digest = hashlib.sha256(story.encode("utf-8", "surrogatepass")).digest()
    random = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    asked = random.random(3) >= LEFT_OUT
    words = reader.words(story)
    chosen: list[str] = []
    for tag in TAGS:
        number = reader.tag_set.names.index(tag)
        found = {
            story[start:end]
            for start, end, each in zip(words.starts, words.ends, words.tags, strict=True)
            if each == number and PLAIN.fullmatch(story[start:end])
        }
        if found:
            chosen.append(str(random.choice(sorted(found))))
    sentences = SENTENCE.findall(story)
    return Instruction(
        words=tuple(map(str, random.permutation(chosen))) if asked[0] else (),
        features=("Dialogue",) if asked[1] and SPEAKS.search(story) else (),
        sentence=str(random.choice(sentences)) if asked[2] and sentences else None,
    )


if __name__ == "__main__":
    main()
