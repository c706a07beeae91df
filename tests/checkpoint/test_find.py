from __future__ import annotations

import errno
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from tinyinterp import checkpoint
from tinyinterp.checkpoint.find import find
from tinyinterp.errors import CheckpointError
from tinyinterp.io import hub

NAME = "somebody/tiny"


@dataclass
class Commit:
    commit_id: str


@dataclass
class Request:
    num: int
    author: str = hub.CONVERTER
    title: str = hub.CONVERSION_TITLE


@dataclass
class FakeHub:
    """A hub with one repository: the files of each revision, its commits and pull requests."""

    cache: Path
    files: dict[str | None, list[str]]
    commits: dict[str | None, list[str]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    api_works: bool = True
    refusal: OSError | None = None  # of writing into the cache
    asked: list[str | None] = field(default_factory=list)

    def snapshot_download(self, name, *, revision, allow_patterns, local_files_only=False):
        self.asked.append(revision)
        if self.refusal is not None and not local_files_only:
            raise self.refusal
        if name != NAME or revision not in self.files:
            raise LocalEntryNotFoundError("no such thing\nsecond line")
        folder = self.cache / "snapshots" / (revision or "main").replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.files[revision]:
            if any(Path(file).match(pattern) for pattern in allow_patterns):
                (folder / file).write_text("")
        return str(folder)

    def list_repo_commits(self, name, revision=None):
        assert name == NAME
        if not self.api_works:
            raise OSError("no network")
        return [Commit(one) for one in self.commits[revision]]

    def get_repo_discussions(self, name, **filters):
        assert name == NAME
        assert filters == {
            "author": hub.CONVERTER,
            "discussion_type": "pull_request",
            "discussion_status": "open",
        }
        return iter(self.requests)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    monkeypatch.chdir(tmp_path)
    one = FakeHub(tmp_path / "models--somebody--tiny", {})
    monkeypatch.setattr(huggingface_hub, "snapshot_download", one.snapshot_download)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: one)
    return one


@pytest.fixture
def pickled(fake: FakeHub) -> FakeHub:
    """A repository with a pickle, and a converter's pull request made from its newest commit."""
    fake.files = {
        None: ["config.json", "pytorch_model.bin", "vocab.json"],
        "refs/pr/4": ["config.json", "pytorch_model.bin", "vocab.json", "model.safetensors"],
    }
    fake.commits = {None: ["c2", "c1"], "refs/pr/4": ["p", "c2", "c1"]}
    fake.requests = [Request(4)]
    return fake


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_means_the_bundled_model():
    assert find(None) == checkpoint.bundled_folder()


def test_an_existing_folder_is_itself_whatever_it_is_called(fake, tmp_path):
    (tmp_path / "somebody" / "tiny").mkdir(parents=True)
    (tmp_path / "gpt2").mkdir()
    assert find(str(tmp_path / "gpt2")) == tmp_path / "gpt2"
    assert find(tmp_path / "gpt2") == tmp_path / "gpt2"
    assert find("gpt2") == Path("gpt2")
    assert find(NAME) == Path(NAME)
    assert fake.asked == []


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "run").mkdir()
    assert find("~/run") == tmp_path / "run"


@pytest.mark.parametrize(
    "path",
    ["./run", "../run", "/no/where", "~/no-where", "a/b/c", "a/b/", "a\\b", "two words", "", "."],
)
def test_what_looks_like_a_path_is_never_looked_up(fake, path):
    if path == ".":  # this one exists
        assert find(path) == Path()
        return
    with pytest.raises(CheckpointError, match="there is no folder") as caught:
        find(path)
    assert "\n" not in str(caught.value)
    assert fake.asked == []


@pytest.mark.parametrize("story", ["There was a dog.\n" * 400, "a/" * 3000])
def test_a_text_is_no_checkpoint(fake, story):
    for given in (story, Path(story)):
        with pytest.raises(CheckpointError, match=r"there is no folder .* not a text$") as caught:
            find(given)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400
    assert fake.asked == []


@pytest.mark.usefixtures("fake")
def test_a_name_that_is_too_long_for_a_folder_is_refused():
    with pytest.raises(CheckpointError, match="could not be fetched"):
        find("a" * 300)


def test_a_path_object_is_no_hub_name(fake):
    with pytest.raises(CheckpointError, match="there is no folder"):
        find(Path(NAME))
    assert fake.asked == []


def test_a_file_is_no_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gpt2").write_text("")
    with pytest.raises(CheckpointError, match="gpt2 is a file"):
        find("gpt2")


def test_a_name_gives_a_snapshot_without_pickles(fake):
    wanted = ["config.json", "merges.txt", "model-00001-of-00002.safetensors", "vocab.json"]
    wanted += ["model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json"]
    fake.files[None] = [*wanted, "pytorch_model.bin", "flax_model.msgpack", "README.md", "run.py"]
    assert names(find(NAME)) == sorted(wanted)
    assert fake.asked == [None]


def test_a_pickled_model_is_taken_from_the_conversion(pickled):
    folder = find(NAME)
    assert names(folder) == ["config.json", "model.safetensors", "vocab.json"]
    assert pickled.asked == [None, "refs/pr/4"]


def test_only_the_hubs_own_converter_is_trusted(pickled):
    pickled.requests = [Request(4, author="somebody"), Request(4, title="Better weights")]
    with pytest.raises(CheckpointError, match="no conversion by SFconvertbot") as caught:
        find(NAME)
    assert "a pickle is never opened" in str(caught.value)
    assert pickled.asked == [None]


def test_a_conversion_of_older_weights_is_passed_over(pickled):
    pickled.requests = [Request(3), Request(4)]
    pickled.commits["refs/pr/3"] = ["q", "c1"]
    assert find(NAME).name == "refs-pr-4"
    pickled.commits[None] = ["c3", "c2", "c1"]
    with pytest.raises(CheckpointError, match="no conversion"):
        find(NAME)


def test_offline_a_cached_conversion_is_found(pickled):
    pickled.api_works = False
    with pytest.raises(CheckpointError, match="no conversion"):
        find(NAME)
    reference = pickled.cache / "refs" / "refs" / "pr" / "4"
    reference.parent.mkdir(parents=True)
    reference.write_text("a commit")
    assert find(NAME).name == "refs-pr-4"


@pytest.mark.usefixtures("fake")
def test_what_cannot_be_fetched_is_one_line():
    with pytest.raises(CheckpointError) as caught:
        find("gpt2")
    assert str(caught.value) == (
        "there is no folder 'gpt2', and the model 'gpt2' could not be fetched from the Hugging "
        "Face hub (LocalEntryNotFoundError: no such thing); check the name and the network, or "
        "give a folder"
    )
    printed = "".join(traceback.format_exception(caught.value))
    assert (
        printed.count("Traceback") == 1
    )  # not that of the hub's library, and its hundreds of lines


def test_offline_the_real_library_gives_up_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="could not be fetched"):
        find("nobody/nothing-of-this-name")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_cache_that_cannot_be_written_is_read(fake, number):
    fake.files[None] = ["config.json", "model.safetensors"]
    fake.refusal = OSError(number, "no writing here")
    assert names(find(NAME)) == ["config.json", "model.safetensors"]
    fake.refusal = OSError(errno.ENOSPC, "no room")
    with pytest.raises(CheckpointError, match="no room"):
        find(NAME)


def test_an_adapter_on_the_hub_is_named(fake):
    fake.files[None] = ["adapter_config.json", "adapter_model.safetensors"]
    with pytest.raises(CheckpointError, match="holds a LoRA adapter"):
        checkpoint.load(find(NAME))
