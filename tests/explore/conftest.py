from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from models import tiny_checkpoint
from pyarrow import parquet

from tests.atlas.examples import account_of_head, account_of_neuron
from tests.views.examples import HOSTILE, KINDS, full_row
from tinyinterp.explore.explorer import Explorer
from tinyinterp.explore.serve import Serving
from tinyinterp.explore.tables import read_tables
from tinyinterp.model import Model, load

TEXT = "One day, Lily saw a big red ball. “I want the ball!” she said."


@dataclass
class Server:
    """A page that is served, and questions to it as a browser would send them."""

    serving: Serving

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.serving.address).query)["token"][0]

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.serving.port, timeout=60)
        sent = {"x-tinyinterp-token": self.token} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        answer = response.status, response.read(), dict(response.getheaders())
        connection.close()
        return answer

    def ask(self, path: str, **question: Any) -> Any:
        status, body, _ = self.request("POST", path, json.dumps(question).encode())
        answer = json.loads(body)
        assert status == 200, answer
        return answer

    def ask_lines(self, path: str, **question: Any) -> list[Any]:
        _, body, _ = self.request("POST", path, json.dumps(question).encode())
        return [json.loads(line) for line in body.splitlines()]

    def refused(self, path: str, **question: Any) -> str:
        status, body, _ = self.request("POST", path, json.dumps(question).encode())
        assert status == 400
        return json.loads(body)["error"]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_checkpoint(folder)
    return load(folder)


@pytest.fixture(scope="session")
def census(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Path:
    """Censuses of the tiny model: all heads, and the neurons of layers 0 and 2."""
    folder = tmp_path_factory.mktemp("censuses")
    write_census(folder, model)
    return folder


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Path:
    folder = tmp_path_factory.mktemp("account")
    write_account(folder, model)
    return folder


@pytest.fixture(scope="session")
def explorer(model: Model, census: Path, account: Path) -> Explorer:
    made = Explorer(model, read_tables(model, census, account))
    made.start()
    return made


@pytest.fixture(scope="session")
def server(explorer: Explorer) -> Iterator[Server]:
    serving, ready = Serving(explorer), threading.Event()
    thread = threading.Thread(target=serving.run, args=[ready.set])
    thread.start()
    assert ready.wait(60)
    yield Server(serving)
    serving.stop()
    thread.join(30)
    assert not thread.is_alive()


def write_census(folder: Path, model: Model) -> None:
    config = model.config
    rows = [
        full_row(i, j, KINDS[(i * config.n_heads + j) % len(KINDS)])
        | {"role": HOSTILE if (i, j) == (1, 1) else "", "looks_at": ""}
        for i in range(config.n_layers)
        for j in range(config.n_heads)
    ]
    heads = {"rows": rows, "notes": {"fingerprint": model.fingerprint}}
    (folder / "heads").mkdir()
    (folder / "heads" / "heads.json").write_text(json.dumps(heads, default=float), "utf-8")
    neurons = folder / "neurons"
    neurons.mkdir()
    for layer in (0, 2):
        write_table(
            neurons / f"neurons_layer{layer}.parquet",
            [neuron_row(layer, neuron) for neuron in range(config.d_mlp)],
            {"checkpoint": model.fingerprint},
        )
        hits = [hit(layer, neuron, rank) for neuron in range(config.d_mlp) for rank in (2, 1)]
        write_table(neurons / f"top_activations_layer{layer}.parquet", hits, {})
    histograms = [
        {"layer": 0, "neuron": neuron, "low": -1.0, "high": 3.0, "counts": [6, 2, 1, 1]}
        for neuron in range(config.d_mlp)
    ]
    write_table(neurons / "histograms_layer0.parquet", histograms, {})


def neuron_row(layer: int, neuron: int) -> dict[str, Any]:
    return {
        "layer": layer,
        "neuron": neuron,
        "kind": "word" if neuron % 2 else "part-of-speech",
        "best_tag": "NOUN" if neuron % 3 else "VERB",
        "auroc": 0.75,
        "max_activation": 3.0,
        "words": [" dog", HOSTILE] if neuron == 5 else [" ball"],
        "raises": [" red"],
        "lowers": ["\n"],
    }


def hit(layer: int, neuron: int, rank: int) -> dict[str, Any]:
    return {
        "layer": layer, "neuron": neuron, "rank": rank, "activation": 3.0 / rank,
        "token": HOSTILE if rank == 2 else " dog", "before": "a big", "after": " ran",
        "tag": "NOUN", "story": rank, "position": 7,
    }  # fmt: skip


def write_account(folder: Path, model: Model) -> None:
    config, notes = model.config, {"fingerprint": model.fingerprint}
    heads = [account_of_head(0, j % 3) | {"layer": i, "head": j}
             for i in range(config.n_layers) for j in range(config.n_heads)]  # fmt: skip
    neurons = [account_of_neuron(0, j) | {"layer": i}
               for i in range(config.n_layers) for j in range(config.d_mlp)]  # fmt: skip
    write_table(folder / "account.parquet", [{"part": "both", "rung": "tokens"}], notes)
    write_table(folder / "account_heads.parquet", heads, notes)
    write_table(folder / "account_neurons.parquet", neurons, notes)
    write_table(folder / "account_layers.parquet", [{"layer": 0}], notes)


def write_table(path: Path, rows: list[dict[str, Any]], notes: dict[str, Any]) -> None:
    table = pa.Table.from_pylist(rows)
    parquet.write_table(
        table.replace_schema_metadata({b"tinyinterp": json.dumps(notes).encode()}), path
    )
