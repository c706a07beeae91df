"""What the judge is asked: a text file with the places of prompt and continuation in braces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tinyinterp.errors import JudgeError
from tinyinterp.evaluation.judge.answers import CRITERIA, FOLLOWING
from tinyinterp.evaluation.openings import INSTRUCTION, Completion
from tinyinterp.io.paths import expanded, shown

BUNDLED = Path(__file__).parents[2] / "assets" / "judge"
PLACE = re.compile(r"\{(prompt|continuation)\}")


@dataclass(frozen=True)
class JudgePrompt:
    """The texts that the judge is asked with.

    Args:
        completion: for the completion of a story's beginning.
        instruction: for a story that was written to an instruction.
    """

    completion: str
    instruction: str

    @classmethod
    def read(cls, path: Path | None = None) -> JudgePrompt:
        """The bundled ones, or one file for both.

        Raises:
            JudgeError: the file cannot be read, or has no place for the continuation.
        """
        if path is None:
            texts = ((BUNDLED / f"{n}.txt").read_text("utf-8") for n in ("completion", INSTRUCTION))
            return cls(*texts)
        try:
            text = expanded(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise JudgeError(f"cannot read the judge's prompt {shown(path)}: {reason}") from error
        if "{continuation}" not in text:
            raise JudgeError(
                f"the judge's prompt {shown(path)} has no {{continuation}}; write {{prompt}} and "
                "{continuation} where the texts are to stand"
            )
        return cls(text, text)

    def fill(self, completion: Completion) -> str:
        """The whole message for one completion; braces in stories stay as they are."""
        texts = {
            "prompt": completion.prompt.strip(),
            "continuation": completion.continuation.strip(),
        }
        form = self.instruction if completion.share == INSTRUCTION else self.completion
        return PLACE.sub(lambda place: texts[place[1]], form)


def criteria_of(completion: Completion) -> tuple[str, ...]:
    """What a completion is judged by."""
    return (*CRITERIA, FOLLOWING) if completion.share == INSTRUCTION else CRITERIA
