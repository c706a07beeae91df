"""``tinyinterp info``: what a model is, where it comes from, whether its conversion is exact."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyinterp.cli.options import Ckpt, Json, TokenizerFolder
from tinyinterp.cli.report import columns, print_json, print_lines, say
from tinyinterp.io.lines import WIDTH

if TYPE_CHECKING:
    from tinyinterp.checkpoint.certificate import Certificate, Comparison
    from tinyinterp.model import AnyModel
    from tinyinterp.network.compressor import CompressorConfig
    from tinyinterp.network.config import DecoderConfig


def info(
    *,
    ckpt: Ckpt = None,
    tokenizer: TokenizerFolder = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A published shape, such as gptneo-41m, in place of a checkpoint.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Compare the numbers with those of transformers, in every layer; an error where "
            "they differ. Needs no TransformerLens.",
        ),
    ] = False,
    certificate: Annotated[
        bool,
        typer.Option(
            "--certificate/--no-certificate",
            help="Convert to a HookedTransformer and compare the two; takes some seconds.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Show what a model is and where it comes from.

    Parameters by part, configuration, training, and the certificate of the conversion.
    """
    if preset is not None and ckpt is not None:
        raise typer.BadParameter("give one of them, not both", param_hint="--preset / --ckpt")
    if preset is not None:
        _show_preset(preset, as_json=as_json)
        return
    from dataclasses import asdict

    from tinyinterp.model import load_any

    model = load_any(ckpt, tokenizer=tokenizer)
    training = model.checkpoint.training
    compared = _compare(model) if check else None
    if as_json:
        proof = _certificate(model) if certificate else None
        print_json(
            {
                "model": model.name,
                "folder": str(model.folder),
                "fingerprint": model.fingerprint,
                **_shape(model.config),
                "training": training,
                "check": asdict(compared) | {"passed": compared.passed} if compared else None,
                "certificate": asdict(proof) | {"passed": proof.passed} if proof else None,
            }
        )
        return
    print_lines([model.name, f"fingerprint {model.fingerprint}", ""])
    print_lines([*_parameter_lines(model.config), "", *_config_lines(model.config), ""])
    print_lines(_training_lines(training))
    if compared is not None:
        print_lines(["", "check passed; largest relative difference from"])
        print_lines(textwrap.wrap(f"  {compared}", WIDTH, subsequent_indent="    "))
    proof = _certificate(model) if certificate else None
    if proof is not None:
        print_lines([""])
        for line in str(proof).splitlines():
            print_lines(textwrap.wrap(line, WIDTH, subsequent_indent="    "))


def _certificate(model: AnyModel) -> Certificate | None:
    """That of the conversion; None, with a note, where TransformerLens cannot convert anything."""
    from tinyinterp.errors import VersionError
    from tinyinterp.model import Model

    try:
        return model.certificate if isinstance(model, Model) else None
    except VersionError as error:
        say(f"note: no certificate: {error}")
        return None


def _compare(model: AnyModel) -> Comparison:
    """The comparison with ``transformers``, where it passed.

    Raises:
        CheckpointError: a compressor, which ``transformers`` does not know.
        CertificateError: the numbers differ, or ``transformers`` cannot open the folder.
    """
    from tinyinterp.errors import CheckpointError
    from tinyinterp.model import Model

    if not isinstance(model, Model):
        raise CheckpointError(
            f"{model.name} is a compressor, which transformers does not know; leave out --check"
        )
    return model.comparison.require(model.name)


def _show_preset(name: str, *, as_json: bool) -> None:
    from tinyinterp.errors import SelectionError
    from tinyinterp.network.presets import PRESETS

    if name not in PRESETS:
        raise SelectionError(f"there is no preset {name!r}; use one of {', '.join(PRESETS)}")
    config = PRESETS[name]
    if as_json:
        print_json({"preset": name, **_shape(config)})
    else:
        print_lines([name, "", *_parameter_lines(config), "", *_config_lines(config)])


def _shape(config: DecoderConfig | CompressorConfig) -> dict[str, Any]:
    from dataclasses import asdict

    from tinyinterp.network.presets import parameter_table

    parts = {row["part"]: row for row in parameter_table(config)}
    return {
        "parameters": {part: row["parameters"] for part, row in parts.items()},
        "percent": {part: row["percent"] for part, row in parts.items()},
        "config": asdict(config),
    }


def _parameter_lines(config: DecoderConfig | CompressorConfig) -> list[str]:
    from tinyinterp.network.presets import parameter_table

    table = parameter_table(config)
    rows = [[row["part"], row["parameters"], f"{row['percent']:5.1f} %"] for row in table]
    return columns(["part", "parameters", "  share"], rows)


def _config_lines(config: DecoderConfig | CompressorConfig) -> list[str]:
    from tinyinterp.checkpoint.facts import config_facts

    return columns(["configuration", ""], config_facts(config))


def _training_lines(training: dict[str, Any]) -> list[str]:
    """The facts in ``training.json`` that a person looks for; all of it is in ``--json``."""
    from tinyinterp.checkpoint.facts import training_facts

    if not training:
        return ["training: unknown, there is no training.json"]
    return columns(["training", ""], training_facts(training))
