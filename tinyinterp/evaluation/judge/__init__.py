"""A language model as the judge of stories, over the protocol that OpenAI's servers speak.

    completions ──► messages ──► cache? ──► server, with retries ──► check ──► cache ──► table

The judge is a model, too: its numbers depend on which one it is, and the TinyStories student report
found the method unreliable. Its repeats say how much it agrees with itself.
"""

from __future__ import annotations

from tinyinterp.evaluation.judge.answers import CRITERIA, FOLLOWING
from tinyinterp.evaluation.judge.judging import Judgement, judge, judgement_tables
from tinyinterp.evaluation.judge.plan import Plan, Request, plan_requests
from tinyinterp.evaluation.judge.prompts import JudgePrompt
from tinyinterp.evaluation.judge.server import JudgeServer, find_key

__all__ = [
    "CRITERIA",
    "FOLLOWING",
    "JudgePrompt",
    "JudgeServer",
    "Judgement",
    "Plan",
    "Request",
    "find_key",
    "judge",
    "judgement_tables",
    "plan_requests",
]
