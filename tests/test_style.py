"""Test what makes code easy to read, beyond ruff: few branches per statement, telling names, docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
FOLDERS = ("vizbench", "tests", "scripts", "benchmarks", "experiments", "examples")


def files_of(folder: str) -> list[str]:
    return [path.relative_to(PROJECT).as_posix() for path in sorted((PROJECT / folder).rglob("*.py"))]


PACKAGE = files_of("vizbench")
FILES = [file for folder in FOLDERS for file in files_of(folder)]

MAX_BRANCHES = 2
"""Limit of conditional expressions, and of `for` and `if` of comprehensions, in one simple statement."""

EMPTY_NAMES = {"found", "told", "wanted"}
"""Names that do not say what they hold."""

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@cache
def nodes(file: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse((PROJECT / file).read_bytes())))


def simple_statements(file: str) -> Iterator[ast.stmt]:
    for node in nodes(file):
        if isinstance(
            node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr | ast.Raise | ast.Assert
        ):
            yield node


def branches(statement: ast.stmt) -> int:
    count = 0
    for node in ast.walk(statement):
        if isinstance(node, ast.IfExp):
            count += 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
    return count


@pytest.mark.parametrize("file", FILES)
def test_a_statement_branches_twice_at_most(file: str) -> None:
    dense = [node.lineno for node in simple_statements(file) if branches(node) > MAX_BRANCHES]
    assert dense == [], f"lines of {file} to unroll: name the parts, or write a loop"


def comprehensions_in_calls(file: str) -> Iterator[ast.expr]:
    for call in nodes(file):
        if not isinstance(call, ast.Call):
            continue
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            yield from (node for node in ast.walk(argument) if isinstance(node, COMPREHENSIONS))


@pytest.mark.parametrize("file", FILES)
def test_no_condition_hides_in_a_comprehension_in_a_call(file: str) -> None:
    hidden: set[int] = set()
    for comprehension in comprehensions_in_calls(file):
        hidden |= {node.lineno for node in ast.walk(comprehension) if isinstance(node, ast.IfExp)}
    assert hidden == set(), f"lines of {file} to unroll"


def assigned(file: str) -> Iterator[tuple[str, int]]:
    for node in nodes(file):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


@pytest.mark.parametrize("file", FILES)
def test_names_say_what_they_hold(file: str) -> None:
    empty = [f"{name} in line {line}" for name, line in assigned(file) if name in EMPTY_NAMES]
    assert empty == [], f"{file}: name the thing (`remaining`, `path`, `response`)"


def is_record(node: ast.ClassDef) -> bool:
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any("dataclass" in text for text in decorators) or any(
        "Struct" in ast.unparse(base) for base in node.bases
    )


def bare_fields(node: ast.ClassDef) -> Iterator[str]:
    """Yield the public fields of a record that have no docstring under them."""
    for number, statement in enumerate(node.body):
        if not isinstance(statement, ast.AnnAssign) or "ClassVar" in ast.unparse(statement.annotation):
            continue
        after = node.body[number + 1] if number + 1 < len(node.body) else None
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        name = ast.unparse(statement.target)
        if not documented and not name.startswith("_"):
            yield f"{node.name}.{name}"


@pytest.mark.parametrize("file", PACKAGE)
def test_public_records_document_each_field(file: str) -> None:
    bare: list[str] = []
    for node in nodes(file):
        if isinstance(node, ast.ClassDef) and is_record(node) and not node.name.startswith("_"):
            bare += bare_fields(node)
    assert bare == [], f"{file}: write one line under each field"


@pytest.mark.parametrize("file", FILES)
def test_every_module_says_what_it_is_for(file: str) -> None:
    module = nodes(file)[0]
    assert isinstance(module, ast.Module)
    assert ast.get_docstring(module) or not module.body, f"{file}: write a docstring that begins with a verb"
