"""Write a figure into a web page, or into a file.

In the page, its colours follow the theme and its marks say what they are. The figures are matplotlib's,
because one drawing serves the page and the files of a paper. Plotly's script weighs 4.8 MB. Vega's needs
`eval`, which the page's policy forbids. 34 figures of matplotlib add 1.0 MB and take 2 s of CPU.
"""

from __future__ import annotations

import importlib
import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

MODEL_COLOURS: Final = 6
"""Colours for models. A seventh model has the first colour again."""

ROLES: Final = (
    "ink", "soft", "rule", *(f"c{k}" for k in range(MODEL_COLOURS)), "baseline", "p0", "p1", "card",
)  # fmt: skip
"""What colours are for: text, quiet text, grid lines, the models, the best baseline, the paper's two models,
ground.
"""

Ink: TypeAlias = Mapping[str, str]
"""The colour of each role."""

_PRINTED: Final = "1d1f23 5b6069 d9dadd 1f5fd0 d1520b 14804a 8a3ab9 b3261e 00788a 7a7f88 7c93bd c79a76 ffffff"

PRINT: Final[Ink] = {role: f"#{colour}" for role, colour in zip(ROLES, _PRINTED.split(), strict=True)}
"""The colours of the page's light theme, for white ground."""

_TOKENS: Final[Ink] = {role: f"#fa57{number:02x}" for number, role in enumerate(ROLES)}
"""Colours that stand for roles until the drawing is part of the page."""
_ROLE_OF: Final = {token: role for role, token in _TOKENS.items()}

_RC: Final[Mapping[str, Any]] = {
    "text.parse_math": False,  # a task may be called $x
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.size": 8,
    "axes.linewidth": 0.6,
}
_SPACE: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"


@final
@dataclass(frozen=True, slots=True)
class Marks:
    """What the artists of a figure are, by the id or the link that they are drawn with."""

    classes: dict[str, str] = field(default_factory=dict[str, str])
    """Classes for the page's style, by id."""
    titles: dict[str, str] = field(default_factory=dict[str, str])
    """Texts for who points at an artist, by id or link."""

    def add(self, kind: str = "", title: str = "") -> str:
        """Return the id for one more artist of a class and a title."""
        name = f"mark-{len(self.classes)}"
        self.classes[name], self.titles[name] = kind, title
        return name

    def link(self, link: str, title: str) -> str:
        """Keep the title of a link, and return the link. Two artists with one link share the later title."""
        self.titles[link] = title
        return link


@final
@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that can be drawn in any colours."""

    name: str
    """The stem of its file."""
    label: str
    """What it shows, in words."""
    paint: Callable[[Ink, Marks], Figure]
    """Draws it."""


def inline(drawing: Drawing, number: int) -> Markup:
    """Return the drawing as an `svg` element.

    number: its number on the page. It keeps the inner ids of two drawings apart.
    """
    from markupsafe import Markup

    marks = Marks()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with _matplotlib(f"figure {number}"):
        figure = drawing.paint(_TOKENS, marks)
        root = ElementTree.fromstring(_bytes(figure, "svg", metadata=nothing, transparent=True))
    used = _used_ids(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.removeprefix(_SPACE) in (
                "metadata",
                "style",
            ):  # a style would hold for the whole page
                parent.remove(child)
    for element in list(root.iter()):
        _restyle(element, marks, used)
    root.attrib = {
        "class": "plot",
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": drawing.label,
    }
    return Markup(ElementTree.tostring(root, "unicode"))  # its serializer escapes every text


def save(drawing: Drawing, kind: Literal["png", "svg", "pdf"]) -> bytes:
    """Return the drawing as a file, on white.

    The same drawing gives the same bytes with the same matplotlib.
    """
    undated: Mapping[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    with _matplotlib(drawing.name):
        return _bytes(drawing.paint(PRINT, Marks()), kind, metadata=undated, dpi=160, facecolor="white")


@contextmanager
def _matplotlib(salt: str) -> Generator[None]:
    """Use our settings of matplotlib while a figure is made and written."""
    matplotlib: Any = importlib.import_module("matplotlib")  # a few of its settings have no type
    with matplotlib.rc_context({**_RC, "svg.hashsalt": salt}), warnings.catch_warnings():
        # A name may be in a script that the font lacks.
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        yield


def _bytes(figure: Any, kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=kind, bbox_inches="tight", pad_inches=0.04, **how)
    return out.getvalue()


def _used_ids(root: ElementTree.Element) -> set[str]:
    """Return the ids that any attribute of a drawing refers to."""
    used: set[str] = set()
    for element in root.iter():
        for value in element.attrib.values():
            used.update(re.findall(r"#([\w-]+)", value))
    return used


def _restyle(element: ElementTree.Element, marks: Marks, used: set[str]) -> None:
    """Turn an element of matplotlib into one of the page: roles for colours, no fonts, no unused ids."""
    element.tag = element.tag.removeprefix(_SPACE)
    style = _page_style(element.attrib.pop("style", ""))
    if style:
        element.set("style", style)
    link = element.attrib.pop(_LINK, None)
    name = element.attrib.pop("id", "")
    if name in used:
        element.set("id", name)
    if marks.classes.get(name):
        element.set("class", marks.classes[name])
    if link is not None:
        element.set("href", link)
        element.attrib.pop("target", None)  # matplotlib's links open a new tab
    if element.tag == "a":
        element.set(
            "tabindex", "-1"
        )  # they would be hundreds of stops of the Tab key; the table has them too
    title = marks.titles.get(name) or marks.titles.get(link or "")
    if title:
        text = ElementTree.Element("title")
        text.text = title
        element.insert(0, text)


def _page_style(style: str) -> str:
    """Return a style with roles for colours, and with the sizes of fonts but not their names."""
    style = re.sub(r"#fa57[0-9a-f]{2}", lambda token: f"var(--{_ROLE_OF[token[0]]})", style)
    style = re.sub(r"font: ([\d.]+px)[^;]*;?", r"font-size: \1;", style)
    style = re.sub(r"font-family:[^;]*;?", "", style)
    return style if style.strip() else ""
