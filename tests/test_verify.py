"""Test what `verify`, `verify_steps` and `decode` take, and that no object can trick them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vizbench as vb

MAZE = vb.load("maze/9").test[0]
LOOK = vb.verifier_of(MAZE).look
RIGHT = MAZE.target
PICTURE = vb.render(RIGHT, LOOK)

NATURAL: dict[str, object] = {
    "a grid": RIGHT,
    "lists": RIGHT.tolist(),
    "JSON": vb.to_text(RIGHT),
    "rows": "The path is marked.\n\nAnswer:\n" + vb.to_text(RIGHT, "rows"),
    "bands": vb.to_text(RIGHT[:3], "rows") + "\n\n" + vb.to_text(RIGHT[3:], "rows"),
    "what from_text gives": vb.from_text(vb.to_text(RIGHT)),
    "a picture": Image.fromarray(PICTURE),
    "a picture with alpha": Image.fromarray(PICTURE).convert("RGBA"),
    "pixels": PICTURE,
}


@pytest.mark.parametrize("answer", NATURAL.values(), ids=NATURAL)
def test_natural_answers_are_verified(answer: object) -> None:
    assert vb.verify(MAZE, answer) == vb.verify(MAZE, RIGHT)
    assert vb.verify(MAZE, answer).valid


def test_wrong_answers_keep_their_reasons() -> None:
    assert vb.verify(MAZE, vb.DecodeFailure("the clip is empty")).reason == "the clip is empty"
    assert vb.verify(MAZE, f"<think>{vb.to_text(RIGHT)}").reason.startswith(
        "the reply ends inside its reasoning"
    )
    assert "10x5000 px" in vb.verify(MAZE, Image.new("RGB", (5000, 10))).reason
    assert not vb.verify(MAZE, vb.to_text(MAZE.question)).valid
    assert not vb.verify(MAZE, vb.render(MAZE.question, LOOK)).valid


def test_natural_processes_are_verified() -> None:
    steps = MAZE.steps
    pictures = [vb.render(state, LOOK) for state in steps]
    texts = [vb.to_text(state) for state in steps]
    processes: list[object] = [
        steps,
        steps.tolist(),
        json.dumps(steps.tolist()),
        texts,
        [vb.from_text(text) for text in texts],
        [Image.fromarray(picture) for picture in pictures],
        np.stack(pictures),
        [*steps[:-1], pictures[-1]],
    ]
    for process in processes:
        assert vb.verify_steps(MAZE, process) == vb.verify_steps(MAZE, steps)
    assert vb.verify_steps(MAZE, steps).valid
    assert vb.verify_steps(MAZE, [*steps[:-1], "I gave up."]).reason.startswith(
        f"step {len(steps)}: the text holds"
    )
    assert vb.verify_steps(MAZE, vb.DecodeFailure("cut")).reason == "step 1: cut"
    assert "is not a process" in vb.verify_steps(MAZE, f"Answer: {vb.to_text(RIGHT)}").reason


class Nameless(Exception):  # noqa: N818 what it is called is the point
    """An error whose type does not give its name."""


def fail(*arguments: object, **options: object) -> Any:
    """Raise what no handler expects."""
    raise Nameless


def says(value: object) -> property:
    """Return an attribute that is always this."""
    return property(lambda self: value)


# Made by `type`, because no type checker allows such a class.
Shapely: Any = type(
    "Shapely",
    (np.ndarray,),
    {
        "ndim": says(2),
        "shape": says(RIGHT.shape),
        "dtype": says(RIGHT.dtype),
        "__array__": lambda self, *arguments, **options: RIGHT,
        "tolist": lambda self: RIGHT.tolist(),
        "min": lambda self: 0,
        "max": lambda self: 0,
    },
)
Furious: Any = type(
    "Furious", (np.ndarray,), {"shape": property(fail), "dtype": property(fail), "__len__": fail}
)
Lister: Any = type(
    "Lister",
    (list,),
    {
        "__len__": lambda self: len(RIGHT),
        "__iter__": lambda self: iter(RIGHT.tolist()),
        "__getitem__": lambda self, key: RIGHT.tolist()[key],
    },
)
Number: Any = type("Number", (int,), {"__index__": lambda self: 0, "__int__": lambda self: 0})
Speaker: Any = type(
    "Speaker",
    (str,),
    {
        "__str__": lambda self: vb.to_text(RIGHT),
        "strip": lambda self: vb.to_text(RIGHT),
        "__len__": lambda self: 1,
    },
)
Tensor: Any = type("Tensor", (), {"__array__": lambda self, *arguments, **options: PICTURE})
Masked: Any = type("Masked", (), {"__class__": property(fail), "__array__": fail})


LIARS: dict[str, object] = {
    "a wrong array": np.zeros(RIGHT.shape, np.uint8).view(Shapely),
    "a wrong array of another shape": np.zeros(3, np.uint8).view(Shapely),
    "an angry array": np.zeros((2, 2), np.uint8).view(Furious),
    "a list": Lister(),
    "a row": [Lister()] * len(RIGHT),
    "numbers": [[Number(9)] * RIGHT.shape[1]] * RIGHT.shape[0],
    "a text": Speaker("[[9]]"),
    "an object": Masked(),
    "objects": [Masked()] * 3,
}


@pytest.mark.parametrize("name", LIARS)
def test_an_object_that_lies_of_itself_is_no_answer_and_raises_nothing(name: str) -> None:
    answer = LIARS[name]
    for verdict in (vb.verify(MAZE, answer), vb.verify_steps(MAZE, answer), vb.verify_steps(MAZE, [answer])):
        assert not verdict.valid and not verdict.exact
        assert verdict.reason
    assert isinstance(vb.decode(answer, LOOK), vb.DecodeFailure)


def test_only_what_an_array_holds_is_verified() -> None:
    assert vb.verify(MAZE, RIGHT.view(Furious)).valid
    assert vb.verify(MAZE, RIGHT.view(Shapely)).valid


def test_a_tensor_of_pixels_is_a_picture_and_a_picture_one_state() -> None:
    assert vb.verify(MAZE, Tensor()).valid
    one = vb.verify_steps(MAZE, Image.fromarray(PICTURE))
    assert one == vb.verify_steps(MAZE, [PICTURE])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"answer": RIGHT.tolist()}, "is of type dict, not rows by columns"),
        (["012", "120"], "has a row of type str, not a list of cells"),
        (PICTURE / 255, "of float64: a picture is (height, width, 3) of uint8"),
        (PICTURE.transpose(2, 0, 1), "of uint8: a picture is (height, width, 3) of uint8"),
    ],
)
def test_what_is_near_an_answer_says_what_it_is(answer: object, reason: str) -> None:
    assert reason in vb.verify(MAZE, answer).reason


def test_nested_lists_are_measured_before_they_are_converted() -> None:
    """Each is small in memory, because many rows are one object, and would be huge as an array."""
    row = [0] * 100_000
    wide = np.broadcast_to(np.uint8(0), (100_000, 100_000))
    bombs: list[object] = [
        [row] * 100_000,
        [[row] * 4000] * 4000,
        [[[[row] * 4000] * 4000] * 3],
        [[wide] * 4] * 4,
    ]
    bombs += [[range(10**12)], [[range(10**12)] * 3] * 3]
    for bomb in bombs:
        assert isinstance(vb.decode(bomb, LOOK), vb.DecodeFailure)
        assert not vb.verify(MAZE, bomb).valid
        assert not vb.verify_steps(MAZE, bomb).valid
