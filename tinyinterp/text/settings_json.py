"""The JSON files beside a tokenizer: which fields are read here, and what they may hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast

from tinyinterp.errors import TokenizerError
from tinyinterp.io.bounded import read_json_object
from tinyinterp.io.described import Count, described
from tinyinterp.io.paths import leads_out

Settings = TypeVar("Settings")


class TokenJson(TypedDict, total=False):
    """A token with its flags."""

    content: str


class TokenizerJson(TypedDict, total=False):
    """The fields of ``tokenizer_config.json`` and ``special_tokens_map.json`` that are read here.

    ``transformers`` reads others.
    """

    tokenizer_class: str | None
    bos_token: str | TokenJson | None
    eos_token: str | TokenJson | None
    unk_token: str | TokenJson | None
    pad_token: str | TokenJson | None
    add_bos_token: bool | None
    add_eos_token: bool | None
    tinyinterp_unknown_from: Count | None
    vocab_file: str | None
    merges_file: str | None


class ModelJson(TypedDict, total=False):
    """What a model's files say of the tokens that begin and end a text."""

    bos_token_id: int | list[int] | None
    eos_token_id: int | list[int] | None


def read_settings(path: Path) -> dict[str, Any]:
    """``tokenizer_config.json`` or a file like it; empty where there is none.

    Raises:
        TokenizerError: it cannot be read, or names a file outside the folder.
    """
    settings = _read(TokenizerJson, path)
    for key in ("vocab_file", "merges_file"):
        if (name := settings.get(key)) and leads_out(str(name)):
            raise TokenizerError(
                f"{path}: {key} is {name!r:.200}, which lies outside the folder; it is not opened"
            )
    return cast("dict[str, Any]", settings)


def read_model_json(path: Path) -> ModelJson:
    """``config.json`` or ``generation_config.json``; empty where there is none.

    Raises:
        TokenizerError: it cannot be read.
    """
    return _read(ModelJson, path)


def _read(kind: type[Settings], path: Path) -> Settings:
    content = read_json_object(path, TokenizerError) if path.is_file() else {}
    return described(kind, content, str(path), TokenizerError)
