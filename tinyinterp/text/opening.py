"""Opens a tokenizer that another program wrote, as ``AutoTokenizer`` opens it.

``transformers`` builds many tokenizers anew from their vocabulary instead of taking
``tokenizer.json`` as it is, and adds to it what ``tokenizer_config.json``,
``special_tokens_map.json`` and ``added_tokens.json`` say. So what it builds is taken, by
construction the same ids; only a plain folder, such as the ones written here, is opened without the
seconds that importing ``transformers`` takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, processors

from tinyinterp.errors import TokenizerError
from tinyinterp.text.pieces import kind_of
from tinyinterp.text.rust import refusing
from tinyinterp.text.settings_json import read_model_json, read_settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

END_OF_TEXT = "<|endoftext|>"
CLAMP_KEY = "tinyinterp_unknown_from"  # in tokenizer_config.json: ids from here on are one unknown
USUAL_ENDS = (END_OF_TEXT, "</s>")  # where no file names the token that ends a text
PLAIN_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")  # take tokenizer.json as it is
PLAIN_KEYS = {
    "tokenizer_class", "backend", "bos_token", "eos_token", "unk_token", "pad_token",
    "clean_up_tokenization_spaces", "add_prefix_space", "model_max_length", CLAMP_KEY,
}  # fmt: skip
ANY = 1 << 32  # ids of tokens have 32 bits
MARKER = re.compile(r"<.+>|\[.+\]")  # what tokens that are no text are called
SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


@dataclass(frozen=True)
class Stored:
    """A tokenizer as a folder describes it."""

    backend: Backend
    bos: str | None  # its names for the tokens that begin and end a text
    eos: str | None
    adds_bos: bool  # in front of every text
    adds_after: str | None  # what it adds at the end of every text
    unknown_from: int | None
    as_stored: bool  # tokenizer.json was taken as it is
    notes: tuple[str, ...] = ()


def read_tokenizer(folder: Path) -> Stored:
    """What a folder's tokenizer is.

    Raises:
        TokenizerError: there is none, or it cannot be read; the message says what to do.
    """
    whole = (folder / "tokenizer.json").is_file()
    if not whole:
        _check_files(folder)
    settings = read_settings(folder / "tokenizer_config.json")
    read_settings(folder / "special_tokens_map.json")  # which transformers reads
    if whole and _is_plain(folder, settings):
        return _as_stored(folder, settings)
    if not whole and not (folder / "config.json").is_file() and "tokenizer_class" not in settings:
        return _from_merges(folder, settings)
    return _as_transformers(folder, settings)


def open_with_transformers(folder: Path, *, as_stored: bool) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder as ``transformers`` has it.

    Args:
        folder: that :func:`read_tokenizer` read.
        as_stored: what that found.

    Raises:
        TokenizerError: ``transformers`` cannot open it.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    try:
        if as_stored and (folder / "tokenizer.json").is_file():
            settings = read_settings(folder / "tokenizer_config.json")
            named = {key: name for key in SPECIAL if (name := token_name(settings.get(key)))}
            return PreTrainedTokenizerFast(
                tokenizer_file=str(folder / "tokenizer.json"),
                clean_up_tokenization_spaces=False,
                **named,
            )
        if as_stored:
            return PreTrainedTokenizerFast(tokenizer_object=read_tokenizer(folder).backend)
        return AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    # The Rust library raises a bare Exception, no subclass, and transformers passes it on: nothing
    # narrower catches a broken tokenizer. It is raised again as ours, with its cause.
    except Exception as error:
        raise TokenizerError(_refusal(folder, error)) from error


def token_name(stored: Any) -> str | None:
    """The name of a token that a settings file gives as a string or with its flags."""
    if isinstance(stored, dict):
        stored = stored.get("content")
    return stored if isinstance(stored, str) and stored else None


def special_token(
    backend: Backend,
    role: Literal["bos", "eos"],
    named: str | None,
    model: Path,
    n_rows: int | None,
) -> str | None:
    """The token that begins or ends a text; None if there is none.

    Args:
        backend: of the tokenizer.
        role: which of the two.
        named: what the tokenizer's files name; where they name none, or one that the model has no
            row for (a class's default), the model's files may have its id.
        model: the folder of the model.
        n_rows: of its embedding; None: not known.
    """

    def known(number: int | None) -> bool:
        return number is not None and 0 <= number < (ANY if n_rows is None else n_rows)

    if named is not None and known(backend.token_to_id(named)):
        return named
    for file in ("generation_config.json", "config.json"):
        numbers = read_model_json(model / file)
        number = numbers.get("bos_token_id" if role == "bos" else "eos_token_id")
        if isinstance(number, list):
            number = number[0] if number else None
        if number is not None and known(number):
            name = backend.id_to_token(number) or ""
            if MARKER.fullmatch(name):  # a configuration's default number may be any word's
                return name
    if role == "bos":
        return None
    return next((name for name in USUAL_ENDS if known(backend.token_to_id(name))), None)


def _check_files(folder: Path) -> None:
    """Refuse a folder without a tokenizer.

    Raises:
        TokenizerError: what is missing, and what to do.
    """
    there = [(folder / name).is_file() for name in ("vocab.json", "merges.txt", "vocab.txt")]
    if all(there[:2]) or there[2] or (folder / "tokenizer.model").is_file():
        return
    raise TokenizerError(
        f"{folder} holds no tokenizer: expected tokenizer.json, or vocab.json and merges.txt; "
        "name the folder of the tokenizer it was trained with: --tokenizer DIR (in Python, "
        "tokenizer=)"
    )


def _is_plain(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether ``transformers`` takes ``tokenizer.json`` as it is, and adds no token to it."""
    others = ("special_tokens_map.json", "added_tokens.json")
    if any((folder / name).is_file() for name in others):
        return False
    if not settings:  # nothing says what to build: only without config.json is the file taken
        return not (folder / "config.json").is_file()
    return settings.get("tokenizer_class") in PLAIN_CLASSES and settings.keys() <= PLAIN_KEYS


def _as_stored(folder: Path, settings: dict[str, Any], *notes: str) -> Stored:
    backend = _backend(folder)
    names = {key: token_name(settings.get(key)) for key in SPECIAL}
    backend.add_special_tokens(
        [name for name in names.values() if name and backend.token_to_id(name) is None]
    )
    bos, eos = names["bos_token"], names["eos_token"]
    return _stored(backend, settings, bos=bos, eos=eos, notes=notes)


def _stored(
    backend: Backend,
    settings: dict[str, Any],
    *,
    bos: str | None,
    eos: str | None,
    as_stored: bool = True,
    notes: tuple[str, ...] = (),
) -> Stored:
    """The tokenizer with what it adds around every text."""
    front, back = _added_around(backend)
    declared = settings.get("add_bos_token") is True and bos is not None
    return Stored(
        backend=backend,
        bos=bos if front is None else front,
        eos=back if eos is None else eos,
        adds_bos=front is not None or declared,
        adds_after=back,
        unknown_from=settings.get(CLAMP_KEY),
        as_stored=as_stored,
        notes=notes,
    )


def _from_merges(folder: Path, settings: dict[str, Any]) -> Stored:
    """``vocab.json`` and ``merges.txt``, with nothing that says which model's they are."""
    files = str(folder / "vocab.json"), str(folder / "merges.txt")
    with refusing(f"cannot read the tokenizer in {folder}"):
        backend = byte_level(models.BPE.from_file(*files))
    eos = token_name(settings.get("eos_token")) or END_OF_TEXT
    backend.add_special_tokens([eos])
    return _stored(backend, settings, bos=eos, eos=eos)


def _as_transformers(folder: Path, settings: dict[str, Any]) -> Stored:
    whole = (folder / "tokenizer.json").is_file()
    kind = kind_of(_backend(folder)) if whole else None  # refused here if it cannot be read
    opened = open_with_transformers(folder, as_stored=False)
    backend = getattr(opened, "backend_tokenizer", None)
    if not isinstance(backend, Backend):
        raise TokenizerError(
            f"the tokenizer in {folder} ({type(opened).__name__}) has no fast form; save it as "
            "tokenizer.json with transformers' save_pretrained"
        )
    if kind and "tokenizer_class" not in settings and kind_of(backend) != kind:
        # transformers builds the model type's usual tokenizer from a vocabulary of another kind.
        return _as_stored(
            folder,
            settings,
            f"tokenizer.json is a {kind} tokenizer and no file names its class: it is read as it "
            f"is, not as the {type(opened).__name__} that transformers makes of it",
        )
    backend.no_padding()
    backend.no_truncation()
    bos, eos = token_name(opened.bos_token), token_name(opened.eos_token)
    return _stored(backend, settings, bos=bos, eos=eos, as_stored=False)


def _backend(folder: Path) -> Backend:
    path = folder / "tokenizer.json"
    with refusing(f"cannot read the tokenizer in {folder}"):
        backend = Backend.from_file(str(path))
    backend.no_padding()
    backend.no_truncation()
    return backend


def _added_around(backend: Backend) -> tuple[str | None, str | None]:
    """The tokens that the post-processor puts before and after every text."""
    plain = len(backend.encode("a", add_special_tokens=False).ids)
    tokens = backend.encode("a", add_special_tokens=True)
    special = list(tokens.special_tokens_mask)
    if len(special) == plain:
        return None, None
    before = tokens.tokens[0] if special[0] else None
    return before, tokens.tokens[-1] if special[-1] else None


def byte_level(model: models.Model) -> Backend:
    """A byte-level tokenizer, as GPT-2's is."""
    backend = Backend(model)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return backend


def _refusal(folder: Path, error: Exception) -> str:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if not (folder / "tokenizer.json").is_file() and (folder / "tokenizer.model").is_file():
        return (
            f"{folder} holds tokenizer.model alone, which transformers could not convert "
            f"({reason}): pip install sentencepiece protobuf, or save it once as tokenizer.json "
            "with AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )
    return f"transformers cannot open the tokenizer in {folder}: {reason}"
