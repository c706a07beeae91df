"""Writes safetensors, with the errors and the mode of any other file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


def write_tensors(path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    """Write tensors, copied to the CPU, under their names, with notes beside them.

    Raises:
        OSError: there is no room, or the file cannot be written.
    """
    path.touch()  # with the mode that the umask asks for; safetensors lets only the owner read
    mode = path.stat().st_mode
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(stored, path, metadata=dict(notes))
    except SafetensorError as error:  # which says what the system said, in words of its own
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise OSError(str(error)) from error
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
    path.chmod(mode)
