"""Small tokenizers of every kind, as other programs leave them in a model's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from models import STORIES, tiny_decoder
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from tinyinterp import checkpoint
from tinyinterp.text.tokenizer import Tokenizer

TEXTS = [*STORIES, 'He said, "Don\'t go!" They walked and jumped. The dogs ran.'] * 3
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LLAMA = {
    "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>",
    "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False, "legacy": False,
}  # fmt: skip
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}


def byte_level() -> Backend:
    """As GPT-2's and GPT-NeoX's: end-of-text is id 0."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=307,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(TEXTS, trainer)
    return backend


def metaspace() -> Backend:
    """As Llama's: BPE over ``▁``, bytes for what has no token, ``<s>`` in front of every text."""
    backend = Backend(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=353, special_tokens=["<unk>", "<s>", "</s>", *BYTES], show_progress=False
    )
    backend.train_from_iterator(TEXTS, trainer)
    described = json.loads(backend.to_str())
    described["added_tokens"] = [t for t in described["added_tokens"] if t["id"] < 3]
    backend = Backend.from_str(json.dumps(described))
    backend.pre_tokenizer = None
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return backend


def unigram() -> Backend:
    """As T5's: SentencePiece without bytes, so that it has no token for some characters."""
    backend = Backend(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=101,
        special_tokens=["<unk>", "<s>", "</s>"],
        unk_token="<unk>",
        show_progress=False,
    )
    backend.train_from_iterator(TEXTS, trainer)
    return backend


def wordpiece() -> Backend:
    """As BERT's: small letters, ``##`` for what continues a word, ``[CLS]`` and ``[SEP]`` added."""
    backend = Backend(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=131, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False
    )
    backend.train_from_iterator(TEXTS, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return backend


KINDS: dict[str, tuple[Callable[[], Backend], dict[str, Any]]] = {
    "byte-level": (byte_level, {"tokenizer_class": "GPT2Tokenizer"}),
    "llama": (metaspace, LLAMA),
    "metaspace": (metaspace, FAST | {"bos_token": "<s>", "eos_token": "</s>"}),
    "unigram": (unigram, FAST | {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
    "wordpiece": (wordpiece, {"tokenizer_class": "BertTokenizer"}),
}


@cache
def stored(kind: str) -> str:
    """The ``tokenizer.json`` of a kind."""
    return KINDS[kind][0]().to_str()


def write_tokenizer(
    folder: Path, kind: str, settings: Mapping[str, Any] | None = None, **files: Any
) -> Path:
    """Write a tokenizer into ``folder``: its file, its settings, and other JSON files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(stored(kind), "utf-8")
    chosen = KINDS[kind][1] if settings is None else settings
    if chosen:
        (folder / "tokenizer_config.json").write_text(json.dumps(chosen), "utf-8")
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    return folder


def write_model(folder: Path, kind: str, **changes: Any) -> Path:
    """A random GPT-2 that another program wrote, with a tokenizer of a kind."""
    tokenizer = Tokenizer(Backend.from_str(stored(kind)), None, start="none")
    decoder = tiny_decoder("gpt2", n_vocab=tokenizer.n_vocab, **changes)
    checkpoint.save(folder, decoder, tokenizer, {})
    (folder / "training.json").unlink()
    return write_tokenizer(folder, kind)
