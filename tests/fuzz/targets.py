"""What is fuzzed: folders of valid files, how each file is damaged, and what reads them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from fuzz.mutations import damaged_bytes

Damage = Callable[[Random, bytes], bytes]
VICTIM = "victim.safetensors"


@dataclass
class Target:
    """One kind of input.

    Args:
        name: of the kind.
        folder: of the valid files.
        read: opens the folder, as a command would.
        files: how each file is damaged, by its name.
        place: damages the folder as a whole, now and then, or always where there are no files.
        share: of all inputs, beside those of the others.
    """

    name: str
    folder: Path
    read: Callable[[Path], Any]
    files: dict[str, Damage] = field(default_factory=dict)
    place: Callable[[Random, Path], Any] | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        self._valid = {
            path.relative_to(self.folder): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_symlink()
        }

    def inputs(self, seed: int, count: int) -> Iterator[int]:
        """Damage the folder ``count`` times, and mend it after each."""
        for number in range(count):
            random = Random(f"{self.name} {seed} {number}")
            whole = self.place is not None and (not self.files or random.random() < 0.2)
            if whole and self.place is not None:
                self.place(random, self.folder)
            else:
                name = random.choice(list(self.files))
                path = self.folder / name
                path.write_bytes(self.files[name](random, self._valid[Path(name)]))
            yield number
            self._mend()

    def _mend(self) -> None:
        there = {path.relative_to(self.folder): path for path in self.folder.rglob("*")}
        for name, path in there.items():
            known = name in self._valid or any(name in each.parents for each in self._valid)
            if path.is_symlink() or not known or (name in self._valid and not path.is_file()):
                _remove(path)
        for name, content in self._valid.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def all_targets(base: Path) -> list[Target]:
    """Every kind of input, its valid files written below ``base``."""
    from fuzz import checkpoints, tables, texts, training, words

    made: list[Target] = []
    for room in (checkpoints, training, tables, texts, words):
        made += room.targets(base)
    return made


def bytes_alone(_: Random, content: bytes) -> bytes:
    """No damage at all."""
    return content


__all__ = ["VICTIM", "Damage", "Target", "all_targets", "bytes_alone", "damaged_bytes"]
