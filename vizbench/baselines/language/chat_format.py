"""What a language model reads and writes: the chat template around a question, the tokens of an answer,
batches.

The prompt is the question alone (compact JSON, a picture, or both): the paper reports no prompt, and video
models get one neutral text. A model without a chat template reads the question, a line end, and the answer.
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
"""Label of a token that carries no loss, as in transformers."""

_FIXED: Final[dict[str, Any]] = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""What templates may ask for: no thinking block, and a date of ours, because some would ask the clock."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Tokenized:
    """A question, with its answer or without. ids: tokens; start: the first of the answer, `len(ids)`
    without; image: the picture that fills the image tokens; types: 1 at these, None for a model without
    pictures."""

    ids: tuple[int, ...]
    start: int
    image: Image | None = None
    types: tuple[int, ...] | None = None


@final
class ChatFormat:
    """How one checkpoint is spoken to."""

    def __init__(self, tokenizer: Any, processor: Any = None) -> None:
        """processor: of a model that reads pictures too; it holds the tokenizer."""
        self.tokenizer = tokenizer
        self._processor: Any = processor
        self._template = tokenizer.chat_template is not None
        self.end = self._turn_end()
        """The token that ends an answer."""
        self.pad: int = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else self.end

    def question(self, text: str | None, image: Image | None = None) -> Tokenized:
        """The prompt: what is read before the first token of an answer."""
        prompt = self._prompt(text, image is not None)
        if self._processor is None:
            ids = self.tokenizer(prompt, add_special_tokens=not self._template)["input_ids"]
            return Tokenized(tuple(ids), len(ids))
        read: Any = self._processor(
            text=prompt,
            images=None if image is None else [image],
            add_special_tokens=not self._template,
            return_mm_token_type_ids=True,
        )
        ids = read["input_ids"][0]
        return Tokenized(tuple(ids), len(ids), image, tuple(read["token_type_ids"][0]))

    def pair(self, asked: Tokenized, answer: str) -> Tokenized:
        """The prompt with an answer and the end of the turn behind it."""
        ids = (*self.tokenizer(answer, add_special_tokens=False)["input_ids"], self.end)
        types = None if asked.types is None else (*asked.types, *(0 for _ in ids))
        return Tokenized((*asked.ids, *ids), len(asked.ids), asked.image, types)

    def text(self, ids: Sequence[int]) -> str:
        """An answer's tokens as text, up to the end of the turn."""
        whole = list(ids)
        return self.tokenizer.decode(
            whole[: whole.index(self.end)] if self.end in whole else whole, skip_special_tokens=True
        )

    def batch(self, said: Sequence[Tokenized], left: bool = False) -> tuple[dict[str, Tensor], Tensor]:
        """The model's inputs, `(B, L)` each, padded on the right or on the left, and the labels `(B, L)`: the
        answer's tokens at their own places, IGNORED elsewhere."""
        longest = max(len(one.ids) for one in said)

        def padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
            gaps = [[fill] * (longest - len(row)) for row in rows]
            return torch.tensor([[*g, *r] if left else [*r, *g] for g, r in zip(gaps, rows, strict=True)])

        inputs = {
            "input_ids": padded([one.ids for one in said], self.pad),
            "attention_mask": padded([[1] * len(one.ids) for one in said], 0),
        }
        if self._processor is not None:
            inputs["token_type_ids"] = padded([one.types or () for one in said], 0)
            images = [one.image for one in said if one.image is not None]
            if images:  # (B, 3, side, side); made anew for each batch, for 5000 of them would take 48 GB
                inputs["pixel_values"] = self._processor.image_processor(images, return_tensors="pt")[
                    "pixel_values"
                ]
        labels = [[IGNORED] * one.start + list(one.ids[one.start :]) for one in said]
        return inputs, padded(labels, IGNORED)

    def _prompt(self, text: str | None, pictured: bool) -> str:
        if not self._template:
            if pictured:
                raise UserError(
                    "this checkpoint has no chat template to put a picture in: use text, or the -it model"
                )
            return f"{text}\n"
        content: Any = text
        if pictured:
            content = [{"type": "image"}, *([] if text is None else [{"type": "text", "text": text}])]
        return self._chat([{"role": "user", "content": content}], True)

    def _chat(self, messages: list[dict[str, Any]], asks: bool) -> str:
        return self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=asks, **_FIXED
        )

    def _turn_end(self) -> int:
        """The token that the template writes after an answer; the end of text where it has none of its
        own."""
        if self._template:
            said = self._chat(
                [{"role": "user", "content": "0"}, {"role": "assistant", "content": "[[1]]"}], False
            )
            behind = self.tokenizer(said.rpartition("[[1]]")[2], add_special_tokens=False)["input_ids"]
            if behind and behind[0] in self.tokenizer.get_added_vocab().values():
                return int(behind[0])
        if self.tokenizer.eos_token_id is None:
            raise UserError("this checkpoint's tokenizer has no token that ends a text: set its eos_token")
        return int(self.tokenizer.eos_token_id)
