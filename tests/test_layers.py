"""Test that imports point one way: a module imports from its own layer or from lower ones.

No imports form a circle. Deferred imports and imports for type checkers count. Three discoveries are exempt:
`task.registry` and `task.listing` find the task families, and `model` finds the model families. They do so
when they are called.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import vizbench

PACKAGE = Path(vizbench.__file__).parent

LAYERS = [
    {"errors", "types", "seeds", "_util"},
    {"kernels", "distributed", "engines"},
    {"task", "model"},
    {"generators", "renderers"},
    {"dataset"},
    {"formats"},
    {"loading"},
    {"rewards", "curriculum"},
    {"harness", "baselines", "integrations"},
    {"console"},
    {"cli"},
    {"__main__"},
]
"""From the bottom to the top."""

SIBLINGS = [
    {"harness", "baselines", "integrations"},
    {"generators", "renderers"},
    {"kernels", "distributed", "engines"},
]
"""Packages of one layer that do not import each other."""

HARNESS = ["plan", "records", "run", "stats", "score", "report"]
"""The same within the harness."""

DISCOVERIES = {
    ("vizbench.task.registry", "vizbench.generators"),
    ("vizbench.task.listing", "vizbench.generators"),
    ("vizbench.model", "vizbench.baselines"),
}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(module: str) -> Iterator[str]:
    """Yield every module of the package that a module imports, at any depth of its code."""
    for node in ast.walk(ast.parse(MODULES[module].read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


EDGES = {(module, other) for module in MODULES for other in imports(module)} - DISCOVERIES


def layer(module: str) -> int:
    part = module.split(".")[1]
    return next(number for number, names in enumerate(LAYERS) if part in names)


@pytest.mark.parametrize("module", [module for module in MODULES if "." in module])
def test_a_module_imports_from_its_layer_or_below(module: str) -> None:
    upward = [
        other
        for one, other in EDGES
        if one == module and (other == "vizbench" or layer(other) > layer(module))
    ]
    assert upward == []


@pytest.mark.parametrize("module", [module for module in MODULES if "." in module])
def test_siblings_do_not_import_each_other(module: str) -> None:
    part = module.split(".")[1]
    strangers: set[str] = set().union(*(names for names in SIBLINGS if part in names)) - {part}
    assert [other for one, other in EDGES if one == module and other.split(".")[1] in strangers] == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("vizbench.harness.")])
def test_the_parts_of_the_harness_have_an_order(module: str) -> None:
    order = {name: number for number, name in enumerate(HARNESS)}
    inside = [other for one, other in EDGES if one == module and other.startswith("vizbench.harness.")]
    assert [other for other in inside if order[other.split(".")[2]] > order[module.split(".")[2]]] == []


def test_no_imports_form_a_circle() -> None:
    graph = TopologicalSorter[str]()
    for module, other in EDGES:
        graph.add(module, other)
    try:
        graph.prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " <- ".join(error.args[1]))


def test_few_modules_are_at_the_top() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 12
