"""Define the family `api`: a model behind any OpenAI-compatible chat-completions endpoint.

Nothing is trained: every request has the task's prompt, the examples, and the question. There may be no
examples (`--shots 0`). `--prompt none` leaves the prompt out. The checkpoint is the model's name at
the endpoint, or `image:` and the name to send questions as pictures. Answers are JSON text in both cases. The
address and the key come from OPENAI_BASE_URL and OPENAI_API_KEY. `baselines.chat.endpoint` lists all
variables.
"""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

import msgspec

from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.model import (
    CheckedModel,
    Context,
    Example,
    Modality,
    Model,
    ModelFamily,
    split_prompt,
)
from vizbench.seeds import stream
from vizbench.types import DecodeFailure, Image

if TYPE_CHECKING:
    from vizbench.baselines.chat.endpoint import Endpoint

PICTURES: Final = "image:"
"""Prefix of a model's name that sends its questions as pictures."""

CHECKPOINTS: Final = ("MODEL", f"{PICTURES}MODEL")
"""Placeholders in the list of checkpoints: there is no default model."""

TEMPERATURE: Final = 0.7
"""Temperature of all attempts but the first, which is at 0, as with the other language models."""

SLACK: Final = 2048
"""Tokens that a reply may have beyond the characters of the longest example's target.

A JSON grid never has more tokens than characters, so these remain for the text around it.
"""

UNSEEN: Final = 4096
"""Tokens that the grid of a reply may have if no example shows how long it is, as for 45x45 cells."""

_LAST = (
    "The same rule leads from every question to its answer. The last question has no answer yet: reply with "
    "its answer grid, as JSON, and nothing else."
)

_STATES = (
    "The same rule leads from every question through some states to its answer. The states are below each "
    "question, one JSON grid per line. The last question has no states yet: reply with its states, one JSON "
    "grid per line, and nothing else."
)
"""In place of _LAST if examples show processes."""

Part: TypeAlias = dict[str, Any]
"""A piece of a message's content: `{"type": "text", ...}` or `{"type": "image_url", ...}`."""


class InContext(CheckedModel[Any]):
    """A model that reads its examples in every request."""

    reads_prompts = True
    instruction: ClassVar[str]
    """First part of the request, if the task has no prompt."""
    process_instruction: ClassVar[str]
    """First part of the request, if the examples show processes."""
    introduction: ClassVar[str]
    """Part between the task's prompt and the examples, if there are any."""

    @abstractmethod
    def shown(self, question: Any, target: str) -> list[Part]:
        """Return the parts that show a question with its target."""

    @abstractmethod
    def asked(self, question: Any) -> list[Part]:
        """Return the message parts that ask one question."""

    @final
    def __init__(self, endpoint: Endpoint, sleep: Callable[[float], None] = time.sleep) -> None:
        """Create the model. sleep: waits for a number of seconds between two tries."""
        self.weights = endpoint.identity
        self._endpoint = endpoint
        self._sleep = sleep
        self._shown: list[Part] | None = None
        self._reply_tokens = 0
        self._states = False

    @final
    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        """Keep the examples for later requests.

        Returns `prompt_characters`: their length without the task's prompt.
        """
        shown, longest = self._examples(examples, context)
        self._shown, self._reply_tokens = shown, longest + SLACK
        return {"prompt_characters": _size(shown)}

    @final
    def check(self, examples: Sequence[Example[Any]], context: Context) -> None:
        """Raise UserError if the examples do not fit a request."""
        self._examples(examples, context)

    @final
    def _examples(self, examples: Sequence[Example[Any]], context: Context) -> tuple[list[Part], int]:
        """Return the parts that introduce and show the examples, and the length of the longest target.

        Raises UserError if the request is too long, if it would say nothing, or if the plan fixes the length
        of training.
        """
        if context.schedule.steps is not None or context.schedule.epochs is not None:
            raise UserError(
                "api shows examples in the prompt and trains nothing: leave --steps and --epochs out"
            )
        self._states = context.supervision == "process"
        if not examples:
            if context.prompt == "none":
                raise UserError("api has neither a prompt nor examples: give --prompt task, or --shots 1")
            if self._states:
                raise UserError(
                    "api has no example of a process to follow: give --shots 1, or leave supervision out"
                )
            return [], UNSEEN
        parts = [_text(self._opening(context))]
        size, longest_question, longest_target = _size(parts), 0, 0
        for number, example in enumerate(examples):
            prompt, question = split_prompt(example.question)
            shown = self.shown(question, example.target)
            size += _size(shown)
            # The question to come may be as long as the longest one so far, its prompt included.
            prompted = [_text(prompt)] if prompt else []
            longest_question = max(longest_question, _size([*prompted, *self.asked(question)]))
            longest_target = max(longest_target, len(example.target))
            if size + longest_question > self._endpoint.longest:
                most = self._endpoint.longest
                unfit = plural(len(examples), "shot does not fit", "shots do not fit")
                raise UserError(
                    f"{unfit} a prompt of {most:,} characters, which holds {number:,} of "
                    f"them: give fewer --shots, or set VIZBENCH_API_PROMPT to what the model can read"
                )
            parts += shown
        return parts, longest_target

    @final
    def _opening(self, context: Context) -> str:
        """Return the text before the examples."""
        if self._states:
            return self.process_instruction
        return self.instruction if context.prompt == "none" else self.introduction

    @final
    def predict(
        self, questions: Sequence[Any], attempts: int, seed: int
    ) -> Iterator[Sequence[str | DecodeFailure]]:
        """Yield the attempts of each question, one request per attempt."""
        from vizbench.baselines.chat.exchange import ask

        if self._shown is None:
            raise UserError("api has not seen examples yet: call adapt first")
        for i, prompted in enumerate(questions):
            prompt, question = split_prompt(prompted)
            before = [_text(prompt)] if prompt else []
            content = _joined([*before, *self._shown, *self.asked(question)])
            replies: list[str | DecodeFailure] = []
            for attempt in range(attempts):
                body = self._request(content, attempt, stream("api", seed, i, attempt))
                replies.append(ask(self._endpoint, body, self._sleep))
            yield replies

    @final
    def _request(self, content: str | list[Part], attempt: int, seed: int) -> bytes:
        """Return the JSON of one request."""
        settings: dict[str, Any] = {
            "temperature": TEMPERATURE if attempt else 0.0,
            "seed": seed >> 33,  # 31 bits, because some servers keep it as a signed 32-bit number
            "max_tokens": self._reply_tokens,
            **self._endpoint.body,
        }
        kept = {key: value for key, value in settings.items() if value is not None}
        request = {"model": self._endpoint.model, "messages": [{"role": "user", "content": content}], **kept}
        return msgspec.json.encode(request)


@final
class ApiText(InContext):
    """A model that reads questions as JSON."""

    modality: ClassVar[Modality] = "text"
    instruction = (
        "Each line below is a JSON object with a question and its answer, grids of cell codes row by row. "
        + _LAST
    )
    introduction = (
        "Each line below is a JSON object with an example question and its answer. The last line is the "
        "question without its answer."
    )

    process_instruction = "Each JSON object below is a question, a grid of cell codes row by row. " + _STATES

    def shown(self, question: Any, target: str) -> list[Part]:
        """Return question and target as one JSON object, or the question above the lines of its states."""
        if self._states:
            return [*self.asked(question), _text(target)]
        return [_text(f'{{"question":{question},"answer":{target}}}')]

    def asked(self, question: Any) -> list[Part]:
        """Return the question as a JSON object."""
        return [_text(f'{{"question":{question}}}')]


@final
class ApiImage(InContext):
    """A model that reads questions as pictures."""

    modality: ClassVar[Modality] = "image"
    instruction = (
        "Each picture below is a question, a grid of coloured cells; the JSON after it is its answer, a grid "
        "of cell codes row by row. " + _LAST
    )
    introduction = (
        "Each picture below is an example question; the JSON after it is its answer. The last picture is the "
        "question without its answer."
    )

    process_instruction = (
        "Each picture below is a question, a grid of coloured cells; the JSON grids below it hold cell codes "
        "row by row. " + _STATES
    )

    def shown(self, question: Any, target: str) -> list[Part]:
        """Return the question as a picture, and the target as a JSON object, or the lines of its states."""
        answer = target if self._states else f'{{"answer":{target}}}'
        return [_picture(question), _text(answer)]

    def asked(self, question: Any) -> list[Part]:
        """Return the question as a picture."""
        return [_picture(question)]


def _text(text: str) -> Part:
    """Return a part of text."""
    return {"type": "text", "text": text}


def _picture(image: Image) -> Part:
    """Return an image `(H, W, 3)` as a PNG in a data URL."""
    import base64
    import io

    from PIL import Image as Pictures

    file = io.BytesIO()
    Pictures.fromarray(image).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _size(parts: Sequence[Part]) -> int:
    """Return the number of characters, line ends and data URLs included."""
    size = 0
    for part in parts:
        if part["type"] == "text":
            size += len(part["text"]) + 1
        else:
            size += len(part["image_url"]["url"])
    return size


def _joined(parts: list[Part]) -> str | list[Part]:
    """Return the content of a message.

    It is one string if all parts are text, because some servers read no parts.
    """
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _build(checkpoint: str) -> Model[Any]:
    """Return the model of an endpoint, which reads text or pictures."""
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
        "any OpenAI-compatible endpoint, the task in words, then examples, no training; OPENAI_BASE_URL and "
        "OPENAI_API_KEY say where, the checkpoint is the model's name there, image:NAME sends questions as "
        "pictures",
        CHECKPOINTS,
        _build,
        prompt="task",
    ),
)
