"""Turn questions and answers into tokens by a model's chat template, and into batches.

The model reads the question only (compact JSON, a picture, or both): the paper reports no prompt, and video
models get one neutral text. With `--prompt task` the task's prompt is the line before the question. A model
without a chat template reads the question, a line end, and the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import torch
from torch import Tensor

from vizbench.errors import UserError
from vizbench.types import Image

IGNORED: Final = -100
"""The label of a token without loss, as in transformers."""

_FIXED: Final[dict[str, Any]] = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""Arguments of templates: no thinking block, and a fixed date, as some would read the clock."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Tokenized:
    """A question, with or without its answer."""

    ids: tuple[int, ...]
    """Tokens."""
    start: int
    """The place of the answer's first token; `len(ids)` without an answer."""
    image: Image | None = None
    """The picture of the image tokens."""
    types: tuple[int, ...] | None = None
    """1 at image tokens, else 0; None for a model without pictures."""


@final
class ChatFormat:
    """Format the prompts and answers of one checkpoint."""

    def __init__(self, tokenizer: Any, processor: Any = None) -> None:
        """Find the tokens of the template. processor: of a model that reads pictures."""
        self.tokenizer = tokenizer
        self._processor: Any = processor
        self.image_processor: Any = None if processor is None else processor.image_processor
        """What makes pixels of a picture; None for a model without pictures."""
        self._template = tokenizer.chat_template is not None
        self.end = self._turn_end()
        """The token that ends an answer."""
        self.pad: int = self.end if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        """The token that fills a batch."""

    @property
    def follows_instructions(self) -> bool:
        """Whether there is a chat template, as instruction-tuned models have it."""
        return self._template

    def question(self, text: str | None, image: Image | None = None, words: str = "") -> Tokenized:
        """Return the prompt. words: what the task asks, before the question; "" for none."""
        lines = [line for line in (words, text) if line]
        prompt = self._prompt("\n".join(lines) or None, image is not None)
        if self._processor is None:
            ids = self.tokenizer(prompt, add_special_tokens=not self._template)["input_ids"]
            return Tokenized(tuple(ids), len(ids))
        processed: Any = self._processor(
            text=prompt,
            images=None if image is None else [image],
            add_special_tokens=not self._template,
            return_mm_token_type_ids=True,
        )
        ids = processed["input_ids"][0]
        return Tokenized(tuple(ids), len(ids), image, tuple(processed["token_type_ids"][0]))

    def pair(self, prompt: Tokenized, answer: str) -> Tokenized:
        """Return the prompt with an answer and the end of the turn."""
        ids = (*self.tokenizer(answer, add_special_tokens=False)["input_ids"], self.end)
        types = None if prompt.types is None else (*prompt.types, *[0] * len(ids))
        return Tokenized((*prompt.ids, *ids), len(prompt.ids), prompt.image, types)

    def text(self, ids: Sequence[int]) -> str:
        """Return an answer's tokens as text, up to the end of the turn."""
        answer = list(ids)
        if self.end in answer:
            answer = answer[: answer.index(self.end)]
        return self.tokenizer.decode(answer, skip_special_tokens=True)

    def batch(self, rows: Sequence[Tokenized], left: bool = False) -> tuple[dict[str, Tensor], Tensor]:
        """Return the model's inputs and the labels, `(B, L)` each, without the pictures.

        Labels are the answer's tokens at their own places, and IGNORED elsewhere. left: pad on the left.
        """
        length = max(len(row.ids) for row in rows)
        inputs = {
            "input_ids": _padded([row.ids for row in rows], length, self.pad, left),
            "attention_mask": _padded([[1] * len(row.ids) for row in rows], length, 0, left),
        }
        if self._processor is not None:
            inputs["token_type_ids"] = _padded([row.types or () for row in rows], length, 0, left)
        labels = [[IGNORED] * row.start + list(row.ids[row.start :]) for row in rows]
        return inputs, _padded(labels, length, IGNORED, left)

    def _prompt(self, text: str | None, has_image: bool) -> str:
        """Return the text of the prompt. Raises UserError if a picture has no chat template."""
        if not self._template:
            if has_image:
                raise UserError(
                    "this checkpoint has no chat template to put a picture in: use text, or the -it model"
                )
            return f"{text}\n"
        content: Any = text
        if has_image:
            content = [{"type": "image"}]
            if text is not None:
                content.append({"type": "text", "text": text})
        return self._apply([{"role": "user", "content": content}], True)

    def _apply(self, messages: list[dict[str, Any]], prompt: bool) -> str:
        """Return the messages in the chat template. prompt: whether the answer comes next."""
        return self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=prompt, **_FIXED
        )

    def _turn_end(self) -> int:
        """Return the token that the template writes after an answer, or the end of text if it has none."""
        if self._template:
            messages = [{"role": "user", "content": "0"}, {"role": "assistant", "content": "[[1]]"}]
            after = self._apply(messages, False).rpartition("[[1]]")[2]
            ids = self.tokenizer(after, add_special_tokens=False)["input_ids"]
            if ids and ids[0] in self.tokenizer.get_added_vocab().values():
                return int(ids[0])
        if self.tokenizer.eos_token_id is None:
            raise UserError("this checkpoint's tokenizer has no token that ends a text: set its eos_token")
        return int(self.tokenizer.eos_token_id)


def _padded(rows: Sequence[Sequence[int]], length: int, fill: int, left: bool) -> Tensor:
    """Return rows padded to one length, `(B, length)`."""
    padded: list[list[int]] = []
    for row in rows:
        padding = [fill] * (length - len(row))
        padded.append([*padding, *row] if left else [*row, *padding])
    return torch.tensor(padded)
