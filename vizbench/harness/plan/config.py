"""A plan as a TOML file, with the keys that `vizbench eval` has as flags: `n-test` and `n_test` are the
same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, final

import msgspec

from vizbench._util.files import read_bounded
from vizbench._util.text import text_of
from vizbench.errors import UserError, unknown

MAX_BYTES: Final = 1 << 20


@final
class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a file may say, by the names of the flags. What it leaves out is None, and a flag that is given
    wins.

    A value that may be given several times is one value or a list; shots: a list, a number, or text as in the
    flag; augment: a list, or text as in the flag."""

    model: str | list[str] | None = None
    task: str | list[str] | None = None
    suite: str | None = None
    data: str | None = None
    shots: int | str | list[int] | None = None
    n_test: int | None = None
    pool: int | None = None
    seed: int | None = None
    seeds: int | None = None
    attempts: int | None = None
    protocol: str | None = None
    checkpoint: str | None = None
    steps: int | None = None
    epochs: int | None = None
    augment: str | list[str] | None = None
    flagged: str | None = None
    limit: int | None = None
    jobs: int | None = None
    devices: int | None = None
    out: str | None = None
    offline: bool | None = None
    dry_run: bool | None = None
    json: bool | None = None


def read_config(path: Path) -> dict[str, Any]:
    """What the file says, as values for flags: lists for `model` and `task`, text for `shots`.

    UserError, with the file, for a key that is no flag (near ones are named), a value of another type, or no
    TOML. Paths in it are taken from the current folder, as those of flags are."""
    try:
        found = tomllib.loads(text_of(read_bounded(path, "plan", MAX_BYTES)))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"plan {path} is no TOML ({error}): write lines such as shots = [3, 30]") from None
    given: dict[str, Any] = {}
    for key, value in found.items():
        name = key.replace("-", "_")
        if name not in Options.__struct_fields__:
            raise unknown(
                f"key in plan {path}", key, (field.replace("_", "-") for field in Options.__struct_fields__)
            )
        if name in given:
            raise UserError(f"plan {path} says {name.replace('_', '-')} twice, once with _: leave one out")
        given[name] = value
    try:
        options = msgspec.convert(given, Options)
    except msgspec.ValidationError as error:
        raise UserError(
            f"plan {path} has a wrong value ({error}): write it as the flag of that name wants it"
        ) from None
    values: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(options).items() if value is not None
    }
    for name in ("model", "task"):
        if isinstance(values.get(name), str):
            values[name] = [values[name]]
    if "shots" in values:
        shots = options.shots
        values["shots"] = ",".join(map(str, shots)) if isinstance(shots, list) else str(shots)
    if isinstance(options.augment, list):
        values["augment"] = ",".join(options.augment)
    return values
