"""Every rule there is: the classes in the files of `vizbench.generators.arc.concepts`, found by lying
there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

import vizbench.generators.arc.concepts as package
from vizbench.errors import unknown
from vizbench.generators.arc.rule import Rule


@cache
def concepts() -> tuple[str, ...]:
    """Names of the concepts that have a file, in alphabetical order. Imports none of them."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(package.__path__)))


@cache
def rules(concept: str | None = None) -> tuple[type[Rule], ...]:
    """The rules of a concept, in the order of its file; without a name, those of all concepts."""
    if concept is None:
        return tuple(rule for name in concepts() for rule in rules(name))
    if concept not in concepts():
        raise unknown("concept", concept, concepts())
    module = importlib.import_module(f"{package.__name__}.{concept.replace('-', '_')}")
    found = [item for item in vars(module).values() if inspect.isclass(item) and issubclass(item, Rule)]
    return tuple(rule for rule in found if rule.__module__ == module.__name__)


def rule(concept: str, name: str) -> type[Rule]:
    """The rule of that id, or a UserError that lists near ones."""
    found = {each.id(): each for each in rules(concept)}
    if name not in found:
        raise unknown(f"rule of {concept}", name, found)
    return found[name]
