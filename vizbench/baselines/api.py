"""The family `api`: a language or vision-language model behind any OpenAI-compatible chat-completions
endpoint.

Nothing is trained: the examples stand in the prompt before each question. The checkpoint is the model's name
at the endpoint, or `image:` and the name for questions as pictures; answers are JSON text in both cases. The
address and the key come from OPENAI_BASE_URL and OPENAI_API_KEY (`baselines.chat.endpoint` lists every
variable)."""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

import msgspec

from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.model import CheckedModel, Context, Example, Modality, Model, ModelFamily
from vizbench.seeds import stream
from vizbench.types import DecodeFailure, Image

if TYPE_CHECKING:
    from vizbench.baselines.chat.endpoint import Endpoint

PICTURES: Final = "image:"
"""Before a model's name: its questions are pictures."""

CHECKPOINTS: Final = ("MODEL", f"{PICTURES}MODEL")
"""What stands where names would: there is no default model."""

TEMPERATURE: Final = 0.7
"""Of the attempts after the first, which is asked for at temperature 0, as the other language models' are."""

SLACK: Final = 2048
"""Tokens that a reply may have beyond the characters of the longest example's answer. A JSON grid has never
more tokens than characters, so this is left for what a model says around it."""

_LAST = (
    "The same rule leads from every question to its answer. The last question has no answer yet: reply with its "
    "answer grid, as JSON, and nothing else."
)

Part: TypeAlias = dict[str, Any]
"""A piece of a message's content: `{"type": "text", ...}` or `{"type": "image_url", ...}`."""


class InContext(CheckedModel[Any]):
    """A model that is shown its examples in every prompt."""

    instruction: ClassVar[str]
    """What the prompt begins with."""

    @abstractmethod
    def shown(self, example: Example[Any]) -> list[Part]:
        """A question with its answer."""

    @abstractmethod
    def asked(self, question: Any) -> list[Part]:
        """A question alone."""

    @final
    def __init__(self, endpoint: Endpoint, sleep: Callable[[float], None] = time.sleep) -> None:
        """sleep: waits so many seconds between two tries."""
        self.weights = endpoint.identity
        self._endpoint = endpoint
        self._sleep = sleep
        self._prefix: list[Part] | None = None
        self._reply = 0

    @final
    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        prefix, answer = self._prompt(examples, context)
        self._prefix, self._reply = prefix, answer + SLACK
        return {"prompt_characters": _size(prefix)}

    @final
    def check(self, examples: Sequence[Example[Any]], context: Context) -> None:
        self._prompt(examples, context)

    @final
    def _prompt(self, examples: Sequence[Example[Any]], context: Context) -> tuple[list[Part], int]:
        """What stands before a question, and the length of the longest answer in it. UserError where it is
        too long, or the plan says how long to train."""
        if context.schedule.steps is not None or context.schedule.epochs is not None:
            raise UserError(
                "api shows examples in the prompt and trains nothing: leave --steps and --epochs out"
            )
        prefix: list[Part] = [_text(self.instruction)]
        size, question, answer = _size(prefix), 0, 0
        for number, example in enumerate(examples):
            shown = self.shown(example)
            size += _size(shown)
            question = max(question, _size(self.asked(example.question)))  # as long as the one to come may be
            answer = max(answer, len(example.target))
            if size + question > self._endpoint.longest:
                most = self._endpoint.longest
                unfit = plural(len(examples), "shot does not fit", "shots do not fit")
                raise UserError(
                    f"{unfit} a prompt of {most:,} characters, which holds {number:,} of "
                    f"them: give fewer --shots, or set VIZBENCH_API_PROMPT to what the model can read"
                )
            prefix += shown
        return prefix, answer

    @final
    def predict(
        self, questions: Sequence[Any], attempts: int, seed: int
    ) -> Iterator[Sequence[str | DecodeFailure]]:
        from vizbench.baselines.chat.exchange import ask

        if self._prefix is None:
            raise UserError("api has not seen examples yet: call adapt first")
        for i, question in enumerate(questions):
            content = _joined([*self._prefix, *self.asked(question)])
            bodies = (
                self._request(content, attempt, stream("api", seed, i, attempt))
                for attempt in range(attempts)
            )
            yield [ask(self._endpoint, body, self._sleep) for body in bodies]

    @final
    def _request(self, content: str | list[Part], attempt: int, seed: int) -> bytes:
        """The JSON of one request."""
        settings: dict[str, Any] = {
            "temperature": TEMPERATURE if attempt else 0.0,
            "seed": seed >> 33,  # 31 bits: servers that keep it as a signed 32-bit number take it too
            "max_tokens": self._reply,
            **self._endpoint.body,
        }
        kept = {key: value for key, value in settings.items() if value is not None}
        request = {"model": self._endpoint.model, "messages": [{"role": "user", "content": content}], **kept}
        return msgspec.json.encode(request)


@final
class ApiText(InContext):
    """Asks in JSON."""

    modality: ClassVar[Modality] = "text"
    instruction = (
        "Each line below is a JSON object with a question and its answer, grids of cell codes row by row. "
        + _LAST
    )

    def shown(self, example: Example[Any]) -> list[Part]:
        return [_text(f'{{"question":{example.question},"answer":{example.target}}}')]

    def asked(self, question: Any) -> list[Part]:
        return [_text(f'{{"question":{question}}}')]


@final
class ApiImage(InContext):
    """Asks in pictures."""

    modality: ClassVar[Modality] = "image"
    instruction = (
        "Each picture below is a question, a grid of coloured cells; the JSON after it is its answer, a grid of cell "
        "codes row by row. " + _LAST
    )

    def shown(self, example: Example[Any]) -> list[Part]:
        return [_picture(example.question), _text(f'{{"answer":{example.target}}}')]

    def asked(self, question: Any) -> list[Part]:
        return [_picture(question)]


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _picture(image: Image) -> Part:
    """An image `(H, W, 3)` as a PNG in a data URL."""
    import base64
    import io

    from PIL import Image as Pictures

    file = io.BytesIO()
    Pictures.fromarray(image).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _size(parts: Sequence[Part]) -> int:
    """Characters, those of data URLs included."""
    return sum(
        len(part["text"]) + 1 if part["type"] == "text" else len(part["image_url"]["url"]) for part in parts
    )


def _joined(parts: list[Part]) -> str | list[Part]:
    """The parts as a message's content: one string where all are text, because some servers know no parts."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _build(checkpoint: str) -> Model[Any]:
    from vizbench.baselines.chat.endpoint import endpoint_from

    name = checkpoint.removeprefix(PICTURES)
    if checkpoint in CHECKPOINTS:
        raise UserError(
            "api needs the name of the endpoint's model: --checkpoint NAME, or image:NAME to send pictures"
        )
    endpoint = endpoint_from(os.environ, name)
    return ApiImage(endpoint) if checkpoint.startswith(PICTURES) else ApiText(endpoint)


FAMILIES = (
    ModelFamily(
        "api",
        "text",
        "any OpenAI-compatible endpoint, examples in the prompt, no training; OPENAI_BASE_URL and OPENAI_API_KEY say "
        "where, the checkpoint is the model's name there, image:NAME sends questions as pictures",
        CHECKPOINTS,
        _build,
    ),
)
