"""Make every command explain wrong options in one sentence, and say how to continue after Ctrl-C."""

from __future__ import annotations

import functools
import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast, final

import typer
from typer.core import TyperCommand, TyperGroup

from vizbench._util import interrupts
from vizbench.console import streams
from vizbench.errors import UserError

_INSTEAD: Final[Mapping[tuple[str, str], str]] = {
    ("generate", "task"): "run the command once for each task",
    ("eval", "checkpoint"): "give each model its own by --model NAME=CHECKPOINT",
    ("eval", "shots"): "write a list, as in --shots 3,30,300",
    ("eval", "seed"): "give the first seed by --seed and their number by --seeds",
    ("eval", "augment"): "write a list, as in --augment symmetries,colours",
}
"""What to do instead of giving an option twice, by command and option."""

_ADVICE: Final[Mapping[str, str]] = {
    "report": "existing files are complete, and the same command writes them again",
    "score": "a run was kept completely or not at all, and the same command starts again",
    "verify": "a run was kept completely or not at all, and the same command starts again",
    "generate": "finished shards are kept, and the same command continues from them",
}
"""How to continue after Ctrl-C, by command. `eval` and `pretrain` name their folders themselves."""

_UNBROKEN: Final = "\N{NON-BREAKING HYPHEN}"
"""Replaces a hyphen while lines are wrapped. It is never printed."""

_LIST_TYPE: Final = re.compile(r" <list\[\w+\]>")
"""What typer writes after the name of an argument that takes several values."""


@final
class Command(TyperCommand):
    """A command that refuses an option given twice if it takes one value: it cannot know which is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Count the options, then parse the arguments. Raises UserError if a value is missing or wrong."""
        if not ctx.resilient_parsing:  # the shell asks for completions
            self._refuse_repeated(ctx, args)
        try:
            return super().parse_args(ctx, list(args))  # which empties its list
        except typer.BadParameter as error:
            raise UserError(self._sentence(ctx, args, error)) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help.

        Lines break at spaces, so that names with hyphens can be copied. Types of Python are left out.
        """
        write_rows = formatter.write_dl

        def write_unbroken(rows: Sequence[tuple[str, str]], *arguments: Any, **named: Any) -> None:
            names = [_LIST_TYPE.sub("", name) for name, _ in rows]
            texts = [text.replace("-", _UNBROKEN) for _, text in rows]
            write_rows(list(zip(names, texts, strict=True)), *arguments, **named)

        formatter.write_dl = write_unbroken
        super().format_help(ctx, formatter)
        formatter.buffer[:] = [text.replace(_UNBROKEN, "-") for text in formatter.buffer]

    def invoke(self, ctx: Any) -> Any:
        """Run the command, with default advice for after Ctrl-C. The command may set better advice itself."""
        interrupts.advise(_ADVICE.get(self.name or "", "nothing was kept, and the same command starts again"))
        return super().invoke(ctx)

    def _refuse_repeated(self, ctx: Any, args: list[str]) -> None:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        given: Counter[Any] = Counter(order)
        for parameter, times in given.items():
            once = parameter.param_type_name == "option" and not parameter.multiple and not parameter.is_flag
            if times > 1 and once:
                instead = _INSTEAD.get((self.name or "", parameter.name), "give it once")
                raise UserError(f"{parameter.opts[0]} takes one value, but is given {times} times: {instead}")

    def _sentence(self, ctx: Any, args: list[str], error: typer.BadParameter) -> str:
        """Return which value is missing or wrong, and what is allowed."""
        parameter: Any = error.param
        values, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        given = str(values.get(parameter.name))[:80]
        name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
        reason = error.message.removeprefix("Value error, ").rstrip(".")
        usage = f"`vizbench {self.name} -h` explains it"
        if type(error).__name__ == "MissingParameter":  # typer does not export this class
            return f"{name} is missing: {usage}"
        if "is not one of" in reason:
            return f"{name} {reason}: choose one of them"
        if "valid integer" in reason:
            return f"{name} {given!r} is not a whole number: write digits, as in {name} 3"
        return f"{name} {given!r} is refused ({reason}): {usage}"


@final
class Commands(TyperGroup):
    """All commands. Each ends cleanly after Ctrl-C, or if the reader of stdout leaves."""

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """Read the options before the command, and print `--help`."""
        with streams.end_with_reader():
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            with streams.end_with_reader():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            interrupts.report_stop()
            raise typer.Exit(interrupts.CODE) from None


def with_positional(function: Callable[..., None], name: str, annotation: Any) -> Callable[..., None]:
    """Return the same command with one of its options as the first argument. annotation: the argument's."""
    signature = inspect.signature(function, eval_str=True)
    first = signature.parameters[name].replace(annotation=annotation)
    others = [parameter for parameter in signature.parameters.values() if parameter.name != name]

    @functools.wraps(function)
    def reordered(**values: Any) -> None:
        function(**values)

    cast("Any", reordered).__signature__ = signature.replace(parameters=[first, *others])
    return reordered
