"""Hold the code to what makes it easy to read, beyond ruff: few branches per line, documented fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vizbench

PACKAGE = Path(vizbench.__file__).parent
FILES = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]

MAX_BRANCHES = 2
"""Conditional expressions, `for` and `if` of comprehensions in one simple statement."""

EMPTY_NAMES = {"found", "told", "wanted"}
"""Names that say nothing of what they hold."""

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def tree(file: str) -> ast.Module:
    return ast.parse((PACKAGE / file).read_bytes())


def simple_statements(module: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(module):
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
    dense = [node.lineno for node in simple_statements(tree(file)) if branches(node) > MAX_BRANCHES]
    assert dense == [], f"lines of {file} to unroll: name the parts, or write a loop"


@pytest.mark.parametrize("file", FILES)
def test_no_condition_hides_in_a_comprehension_in_a_call(file: str) -> None:
    hidden = [
        inner.lineno
        for call in ast.walk(tree(file))
        if isinstance(call, ast.Call)
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
        for comprehension in ast.walk(argument)
        if isinstance(comprehension, COMPREHENSIONS)
        for inner in ast.walk(comprehension)
        if isinstance(inner, ast.IfExp)
    ]
    assert hidden == [], f"lines of {file} to unroll"


def assigned(module: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


@pytest.mark.parametrize("file", FILES)
def test_names_say_what_they_hold(file: str) -> None:
    empty = [f"{name} in line {line}" for name, line in assigned(tree(file)) if name in EMPTY_NAMES]
    assert empty == [], f"{file}: name the thing (`remaining`, `path`, `response`)"


def is_record(node: ast.ClassDef) -> bool:
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any("dataclass" in text for text in decorators) or any(
        "Struct" in ast.unparse(base) for base in node.bases
    )


def bare_fields(node: ast.ClassDef) -> Iterator[str]:
    """The public fields of a record without a line of documentation under them."""
    for number, statement in enumerate(node.body):
        if not isinstance(statement, ast.AnnAssign) or "ClassVar" in ast.unparse(statement.annotation):
            continue
        after = node.body[number + 1] if number + 1 < len(node.body) else None
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        name = ast.unparse(statement.target)
        if not documented and not name.startswith("_"):
            yield f"{node.name}.{name}"


@pytest.mark.parametrize("file", FILES)
def test_public_records_document_each_field(file: str) -> None:
    records = [node for node in ast.walk(tree(file)) if isinstance(node, ast.ClassDef) and is_record(node)]
    bare = [name for node in records if not node.name.startswith("_") for name in bare_fields(node)]
    assert bare == [], f"{file}: write one line under each field"
