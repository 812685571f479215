"""A figure as a part of a web page, where its colours follow the theme and its marks say what they are; or as
a file.

The figures are matplotlib's: one drawing serves the page and the files of a paper. Plotly's script weighs 4.8
MB, Vega's needs `eval`, which the page's policy forbids; 34 figures of matplotlib's add 1.0 MB and take 2 s
of CPU."""

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

LINES: Final = 6
"""Colours for models; a seventh model begins anew."""

ROLES: Final = ("ink", "soft", "rule", *(f"c{k}" for k in range(LINES)), "floor", "p0", "p1", "card")
"""What a colour is for: text, quiet text, grid lines, models, best baseline, the paper's two models,
ground."""

Ink: TypeAlias = Mapping[str, str]
"""Role -> colour."""

_PRINTED: Final = "1d1f23 5b6069 d9dadd 1f5fd0 d1520b 14804a 8a3ab9 b3261e 00788a 7a7f88 7c93bd c79a76 ffffff"

PRINT: Final[Ink] = {role: f"#{colour}" for role, colour in zip(ROLES, _PRINTED.split(), strict=True)}
"""On white: the colours of the page's light theme."""

_TOKENS: Final[Ink] = {role: f"#fa57{number:02x}" for number, role in enumerate(ROLES)}
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
    """What artists are, by the id or the address that they are drawn with: classes for the page's style,
    titles for who points at them."""

    classes: dict[str, str] = field(default_factory=dict[str, str])
    titles: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, kind: str = "", title: str = "") -> str:
        """The id for one more artist."""
        name = f"mark-{len(self.classes)}"
        self.classes[name], self.titles[name] = kind, title
        return name

    def link(self, address: str, title: str) -> str:
        """The address, its title kept. Two artists with one address share the title of the later."""
        self.titles[address] = title
        return address


@final
@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that can be drawn in any colours. name: the stem of its file; label: what it shows, in
    words."""

    name: str
    label: str
    paint: Callable[[Ink, Marks], Figure]


def inline(drawing: Drawing, number: int) -> Markup:
    """The drawing as an `svg` element. number: its own on the page, so that inner ids of two do not meet."""
    from markupsafe import Markup

    marks = Marks()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with _matplotlib(f"figure {number}"):
        figure = drawing.paint(_TOKENS, marks)
        root = ElementTree.fromstring(_bytes(figure, "svg", metadata=nothing, transparent=True))
    used = {
        name
        for one in root.iter()
        for value in one.attrib.values()
        for name in re.findall(r"#([\w-]+)", value)
    }
    for parent in list(root.iter()):
        for child in [one for one in parent if one.tag.removeprefix(_SPACE) in ("metadata", "style")]:
            parent.remove(child)  # a style would hold for the whole page
    for one in list(root.iter()):
        _restyle(one, marks, used)
    root.attrib = {
        "class": "plot",
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": drawing.label,
    }
    return Markup(ElementTree.tostring(root, "unicode"))  # its serializer escapes every text


def save(drawing: Drawing, kind: Literal["png", "svg", "pdf"]) -> bytes:
    """The drawing as a file, on white. The same drawing gives the same bytes with the same matplotlib."""
    undated: Mapping[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    with _matplotlib(drawing.name):
        return _bytes(drawing.paint(PRINT, Marks()), kind, metadata=undated, dpi=160, facecolor="white")


@contextmanager
def _matplotlib(salt: str) -> Generator[None]:
    """Our settings of matplotlib, for as long as a figure is made and written."""
    matplotlib: Any = importlib.import_module(
        "matplotlib"
    )  # its stubs name each setting, and no type for a few of them
    with matplotlib.rc_context({**_RC, "svg.hashsalt": salt}), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", r"Glyph .* missing from", UserWarning
        )  # a name in a script it has no font for
        yield


def _bytes(figure: Any, kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=kind, bbox_inches="tight", pad_inches=0.04, **how)
    return out.getvalue()


def _restyle(one: ElementTree.Element, marks: Marks, used: set[str]) -> None:
    """Turn an element of matplotlib's into one of the page's: roles for colours, no fonts, no ids that nobody
    uses."""
    one.tag = one.tag.removeprefix(_SPACE)
    style = re.sub(
        r"#fa57[0-9a-f]{2}", lambda token: f"var(--{_ROLE_OF[token[0]]})", one.attrib.pop("style", "")
    )
    style = re.sub(
        r"font-family:[^;]*;?|font: ([\d.]+px)[^;]*;?", lambda m: f"font-size: {m[1]};" if m[1] else "", style
    )
    if style.strip():
        one.set("style", style)
    address = one.attrib.pop(_LINK, None)
    name = one.attrib.pop("id", "")
    if name in used:
        one.set("id", name)
    if marks.classes.get(name):
        one.set("class", marks.classes[name])
    if address is not None:
        one.set("href", address)
        one.attrib.pop("target", None)  # matplotlib's links open a new tab
    if one.tag == "a":
        one.set("tabindex", "-1")  # hundreds of stops on the way of the Tab key; the table leads there too
    title = marks.titles.get(name) or marks.titles.get(address or "")
    if title:
        said = ElementTree.Element("title")
        said.text = title
        one.insert(0, said)
