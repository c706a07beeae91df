from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from outcome import Run

from tinyinterp.cli.app import app as tinyinterp_app
from tinyinterp.cli.command import Command, Program
from train.cli.app import app as train_app


@pytest.fixture
def heard() -> dict[str, Any]:
    """What the last call of the program below was given."""
    return {}


@pytest.fixture
def program(heard: dict[str, Any]) -> Program:
    app = Program()

    @app.command()
    def go(
        inputs: list[Path],
        out: Annotated[Path, typer.Option()] = Path("~/default"),
        beside: Annotated[Path | None, typer.Option()] = None,
        name: Annotated[str, typer.Option()] = "",
        some: Annotated[list[Path] | None, typer.Option()] = None,
        *,
        draw: Annotated[bool, typer.Option("--draw/--no-draw")] = True,
    ) -> None:
        heard.update(inputs=inputs, out=out, beside=beside, name=name, some=some or [], draw=draw)

    return app


def test_the_home_folder_is_meant_by_a_tilde_in_every_path(
    program: Program, heard: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    program(
        ["~/a", "b~", "--some=~/c", "--some=d", "--beside=~/x", "--name=~/name"],
        standalone_mode=False,
    )
    assert heard == {
        "inputs": [tmp_path / "a", Path("b~")],
        "out": tmp_path / "default",
        "beside": tmp_path / "x",
        "name": "~/name",  # no path
        "some": [tmp_path / "c", Path("d")],
        "draw": True,
    }


def test_a_tilde_that_names_nobody_is_part_of_the_name(program: Program, heard: dict[str, Any]):
    program(["~nobody-of-this-name/a", "--out", "~draft"], standalone_mode=False)
    assert heard["inputs"] == [Path("~nobody-of-this-name/a")]
    assert heard["out"] == Path("~draft")


@pytest.mark.parametrize(
    "words", [["--out", "a", "--out=b"], ["--name=a", "--name=a"], ["--draw", "--no-draw"]]
)
def test_an_option_given_twice_is_refused(
    program: Program, heard: dict[str, Any], capsys: pytest.CaptureFixture[str], words: list[str]
):
    with pytest.raises(SystemExit) as ended:
        program(["input", *words])
    assert ended.value.code == 2
    assert heard == {}
    name = words[0].partition("=")[0]
    assert f"'{name}': it was given 2 times; give it once" in capsys.readouterr().err


def test_every_command_of_both_programs_reads_its_options_so():
    groups, found = [typer.main.get_command(app) for app in (tinyinterp_app, train_app)], []
    while groups:
        for name, command in groups.pop().commands.items():
            if hasattr(command, "commands"):
                groups.append(command)
            else:
                assert isinstance(command, Command), name
                found.append(name)
    assert {"heads", "neurons", "account", "atlas", "loss", "run", "prepare", "memory"} <= {*found}


def test_a_layer_given_twice_is_refused_before_any_work(run: Run):
    outcome = run("neurons", "--layer", 0, "--layer", 1)
    assert (outcome.code, outcome.out) == (2, "")
    assert "'--layer': it was given 2 times" in outcome.err


def test_output_of_a_command_goes_to_the_home_folder(
    run: Run, ckpt: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    words = ["--ckpt", ckpt, "--text", f"~/../{text.name}", "--out=~/x", "--weights"]
    assert run("account", *words).code == 0
    assert (tmp_path / "home" / "x" / "tinyinterp.json").is_file()
    assert not (tmp_path / "~").exists()
