"""List all rules: the subclasses of `Rule` in the files of `vizbench.generators.arc.concepts`.

A rule needs no registration.
"""

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
    """Return the names of the concepts that have a file, in alphabetical order. Imports no file."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(package.__path__)))


@cache
def rules(concept: str | None = None) -> tuple[type[Rule], ...]:
    """Return the rules of a concept in the order of its file, or those of all concepts.

    Raises UserError if there is no such concept.
    """
    if concept is None:
        return tuple(rule for name in concepts() for rule in rules(name))
    if concept not in concepts():
        raise unknown("concept", concept, concepts())
    module = importlib.import_module(f"{package.__name__}.{concept.replace('-', '_')}")
    classes = [item for item in vars(module).values() if inspect.isclass(item) and issubclass(item, Rule)]
    return tuple(rule for rule in classes if rule.__module__ == module.__name__)


def rule(concept: str, name: str) -> type[Rule]:
    """Return the rule of a concept with this id.

    Raises UserError, which lists similar ids, if there is no such rule.
    """
    by_id = {family.id(): family for family in rules(concept)}
    if name not in by_id:
        raise unknown(f"rule of {concept}", name, by_id)
    return by_id[name]
