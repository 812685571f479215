"""Write a task of your own. Look at it with `vizbench show examples/own_task.py:TASK`."""

from dataclasses import dataclass

import vizbench as vb


@dataclass(frozen=True)
class Params:
    """A board of size x size cells; the left half is coloured, the right half is empty."""

    size: int = 6
    colours: int = 3

    def __post_init__(self) -> None:
        if self.size not in range(2, 33, 2) or self.colours not in range(1, 10):
            raise vb.UserError("size is even and in 2 … 32, colours in 1 … 9: try size=6, colours=3")


class Mirror(vb.AnswerTask[Params]):
    """Mirror the left half of a board."""

    family = "mirror"
    summary = "Fill the right half of a board with the mirror image of its left half."
    look = vb.Look("arc", cell=16)
    codes = 10
    variants = {"small": Params(), "large": Params(size=12, colours=9)}

    def generate_batch(self, params: Params, keys: vb.Keys) -> vb.Batch:
        question = vb.random_grids(keys, params.size, params.size, params.colours) + 1
        question[:, :, params.size // 2 :] = 0
        return self.solved(params, question)

    def solve(self, params: Params, question: vb.Grid) -> vb.Grid:
        answer, half = question.copy(), question.shape[1] // 2
        answer[:, question.shape[1] - half :] = question[:, :half][:, ::-1]
        return answer


TASK = Mirror()
