"""Test the files of a checkpoint: the digest covers all that a library opens, and no path leads out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import tiny_language
from tests.support.commands import Run
from vizbench.baselines.shared import hub
from vizbench.baselines.shared.checkpoint import check_files, digest_of, files_of
from vizbench.errors import UserError

LOADING = """
import sys
from pathlib import Path
opened = set()
def hook(event, args):
    if event == "open" and isinstance(args[0], str):
        opened.add(args[0])
sys.addaudithook(hook)
from tests.support import tiny_language, tiny_video
from vizbench.baselines import gemma, qwen3, wan
from vizbench.baselines.language.checkpoint import LanguageCheckpoint
from vizbench.baselines.video.checkpoint import VideoCheckpoint
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.shared.hub import Weights
for family in (qwen3.FAMILY, gemma.FAMILY):
    folder = tiny_language.write(family.name, Path(family.name))
    (folder / "additional_chat_templates").mkdir(exist_ok=True)
    (folder / "additional_chat_templates" / "other.jinja").write_text("x")
    opened.clear()
    checkpoint = LanguageCheckpoint(family, folder, family.config)
    checkpoint.load(checkpoint.chat())
    print("\\n".join(opened))
folder = tiny_video.wan(Path("wan"), "2.1")
opened.clear()
VideoCheckpoint(wan.BACKBONE, Weights(folder, "d" * 16), VideoConfig()).open(0)
print("\\n".join(opened))
"""


def test_a_byte_of_any_file_that_a_loader_opens_changes_the_digest(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": str(root), "VIZBENCH_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    opened = {(tmp_path / line).resolve() for line in done.stdout.splitlines()}
    for name, least in (("qwen3", 4), ("gemma", 5), ("wan", 8)):
        folder = (tmp_path / name).resolve()
        inside = {path for path in opened if path.is_relative_to(folder) and path.is_file()}
        inside |= set(folder.rglob("*.safetensors")) | set(
            folder.rglob("tokenizer.json")
        )  # opened without Python
        assert len(inside) >= least
        assert inside <= set(files_of(folder))
        whole = digest_of(folder)
        for path in inside:
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            assert digest_of(folder) != whole, path
            path.write_bytes(data)
        assert digest_of(folder) == whole


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("chat_template.jinja", True),
        ("additional_chat_templates/tools.jinja", True),
        ("tokenizer.model", True),
        ("merges.txt", True),
        ("vocab.of-some-kind", True),
        ("preprocessor_config.json", True),
        ("README.md", False),
        ("training_args.bin", False),
        (".gitattributes", False),
        ("Thumbs.db", False),
        ("desktop.ini", False),
        ("checkpoint-5/trainer_state.json", False),
    ],
)
def test_what_counts(tmp_path: Path, name: str, counts: bool) -> None:
    model(tmp_path)
    before = hub.fetch("qwen3", str(tmp_path)).digest
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    added = hub.fetch("qwen3", str(tmp_path)).digest
    path.write_text("{ }")
    assert len({before, added, hub.fetch("qwen3", str(tmp_path)).digest}) == (3 if counts else 1)


def test_a_changed_template_is_refused_at_the_resumption(run: Run, tmp_path: Path) -> None:
    folder = tiny_language.write("qwen3", tmp_path / "m")
    asked = ("--task", "langton/2", "--shots", 3, "--n-test", 2, "--out", "r")
    command = (
        "eval",
        "--model",
        "qwen3",
        "--checkpoint",
        f"{folder}?steps=1&batch=1&max_new_tokens=8",
        *asked,
    )
    assert run(*command, "--limit", 1).code == 0
    with (folder / "chat_template.jinja").open("a") as template:
        template.write("{# other #}")
    done = run(*command)
    assert done.code == 2
    assert "weights was " in done.err


def model(folder: Path) -> Path:
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        hub.fetch("qwen3", str(folder))
    said = str(caught.value)
    assert "\n" not in said and said.isprintable()
    return said


LEADING_OUT = (
    "../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\x.safetensors",
    "..",
    "a/b.safetensors",
    "C:x",
    "a\nb",
    "",
)


@pytest.mark.parametrize("name", LEADING_OUT)
@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("model.safetensors.index.json", "weight_map"),
        ("config.json", "transformers_weights"),
        ("config.json", "configuration_files"),
        ("tokenizer_config.json", "fast_tokenizer_files"),
        ("tokenizer_config.json", "vocab_file"),
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, file: str, key: str, name: str
) -> None:
    values = {"weight_map": {"a": name, "b": "model.safetensors"}, "configuration_files": [name]}
    (model(tmp_path) / file).write_text(json.dumps({key: values.get(key, name)}))
    if name or key in values:
        assert "names without folders are allowed" in refused(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("model.safetensors.index.json", {"weight_map": {"a": "gone.safetensors"}}, "which is missing"),
        (
            "model.safetensors.index.json",
            {"weight_map": {"a": "config.json"}},
            "only .safetensors files are read",
        ),
        ("model.safetensors.index.json", {"weight_map": ["../x"]}, "holds no index of weights"),
        ("config.json", {"auto_map": {"AutoModel": "modeling.Model"}}, "names code of its own (auto_map)"),
        ("tokenizer_config.json", {"a": [{"auto_map": ["x.Y", None]}]}, "names code of its own (auto_map)"),
        (
            "processor_config.json",
            {"audio_tokenizer": {"audio_tokenizer_name_or_path": "a/b"}},
            "names another model",
        ),
        ("adapter_config.json", {"base_model_name_or_path": "../../base"}, "belongs to an adapter"),
    ],
)
def test_what_names_other_models_or_code_is_refused(
    tmp_path: Path, file: str, content: object, words: str
) -> None:
    (model(tmp_path) / file).write_text(json.dumps(content))
    assert words in refused(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vae", ["os", "system"]),
        ("vae", ["my_code", "Vae"]),
        ("vae", ["diffusers", "a.b"]),
        ("vae", ["diffusers", "A", "B"]),
        ("../../vae", ["diffusers", "AutoencoderKLWan"]),
        ("a/b", ["diffusers", "AutoencoderKLWan"]),
    ],
)
def test_a_part_that_is_no_folder_of_a_known_class_is_refused(
    tmp_path: Path, key: str, value: list[str]
) -> None:
    index = {
        "_class_name": "WanImageToVideoPipeline",
        "expand_timesteps": False,
        "image_encoder": [None, None],
    }
    (model(tmp_path) / "model_index.json").write_text(json.dumps(index))
    check_files(tmp_path)
    (tmp_path / "model_index.json").write_text(json.dumps(index | {key: value}))
    assert "a part is a folder beside it" in refused(tmp_path)
    (tmp_path / "model_index.json").write_text(json.dumps(index | {"_class_name": ["my_pipeline", "Pipe"]}))
    assert "a pipeline of its own code" in refused(tmp_path)


def test_links_that_lead_out_are_refused_and_those_of_the_hubs_cache_are_not(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    one = tmp_path / "models--a--b" / "snapshots" / "0123"
    one.mkdir(parents=True)
    model(one)
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir()
    (blobs / "feed").write_text("{}")
    (one / "generation_config.json").symlink_to("../../blobs/feed")
    check_files(one)
    (one / "tokenizer.json").symlink_to(tmp_path / "secret")
    assert "is a link that leads out" in refused(one)
    (one / "tokenizer.json").unlink()
    (one / "model_index.json").write_text("{}")
    (one / "vae").symlink_to(tmp_path)
    assert "is a link that leads out" in refused(one)
    (one / "vae").unlink()
    (one / "circle.json").symlink_to("circle.json")
    assert "leads nowhere" in refused(one)
    (one / "circle.json").unlink()
    os.mkfifo(one / "vocab.txt")
    assert "is not a regular file" in refused(one)


def test_an_adapter_by_itself_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    assert "belongs to an adapter" in refused(tmp_path)


def test_leftovers_of_older_tokenizers_are_taken(tmp_path: Path) -> None:
    left = {
        "special_tokens_map_file": "/home/me/.cache/x",
        "name_or_path": "/home/me/m",
        "tokenizer_file": None,
    }
    (model(tmp_path) / "tokenizer_config.json").write_text(json.dumps(left))
    (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": "/home/me/m", "auto_map": {}}))
    for name in ("pytorch_model.bin.index.json", "model.safetensors.index.fp16.json"):
        (tmp_path / name).write_text(json.dumps({"weight_map": {"a": "pytorch_model-00001-of-00002.bin"}}))
    check_files(tmp_path)
    (tmp_path / name).write_text(json.dumps({"weight_map": {"a": "../x.bin"}}))
    assert "names without folders are allowed" in refused(tmp_path)
