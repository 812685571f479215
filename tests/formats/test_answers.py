"""Files of answers: every row of the data set has a verdict, and nothing that is written in the file is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vizbench as vb
from vizbench import formats
from vizbench.errors import UserError


@pytest.fixture
def rows(tmp_path: Path) -> tuple[vb.Instance, ...]:
    split = vb.load("life/conway", pool=3).test
    formats.write(split, 8, tmp_path / "data")
    return split.head(8)


def judge(tmp_path: Path, *lines: object) -> formats.Judged:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (tmp_path / "answers.jsonl").write_text(text)
    return formats.verify_answers(tmp_path / "data", tmp_path / "answers.jsonl")


def test_every_row_has_a_verdict(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    wrong = rows[1].target.copy()
    wrong[0, 0] ^= 1
    judged = judge(
        tmp_path,
        {"id": rows[7].id, "answer": vb.to_text(rows[7].target, "rows")},
        {"id": rows[0].id, "answer": rows[0].target.tolist(), "note": "other keys are left alone"},
        "",
        {"id": rows[1].id, "answer": wrong.tolist()},
        {"id": rows[1].id, "answer": rows[1].target.tolist()},  # too late: the first counts
        {"id": rows[2].id, "answer": f"The next board is {vb.to_text(rows[2].target)}."},
        {"id": rows[3].id, "answer": "I do not know"},
        {"id": rows[4].id, "answer": [[0], [0, 1]]},
        {"id": rows[5].id},
        {"id": "life/conway#0-test-8", "answer": [[0]]},
    )
    assert list(judged.verdicts) == [row.id for row in rows]
    assert [verdict.valid for verdict in judged.verdicts.values()] == [1, 0, 1, 0, 0, 0, 0, 1]
    reasons = [verdict.reason for verdict in judged.verdicts.values()]
    assert all(bool(reason) != verdict.valid for reason, verdict in zip(reasons, judged.verdicts.values(), strict=True))
    assert reasons[6] == "there is no answer"
    figures = judged.summary
    assert (figures.task, figures.rows, figures.answered, figures.missing) == ("life/conway", 8, 7, 1)
    assert (figures.unknown, figures.duplicates) == (1, 1)
    assert figures.valid == figures.exact == 3 / 8
    assert figures.cells == (3 + 63 / 64) / 8


def test_a_number_that_nothing_holds_costs_its_row_alone(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    many = "9" * 5_000
    judged = judge(
        tmp_path,
        "\ufeff" + json.dumps({"id": rows[0].id, "answer": rows[0].target.tolist()}),  # a byte order mark
        f'{{"id": "{rows[1].id}", "answer": [[1e400]]}}',
        f'{{"id": "{rows[2].id}", "answer": {many}}}',
        f'{{"answer": [[{many}]], "id": "{rows[3].id}"}}',
    )
    verdicts = list(judged.verdicts.values())
    assert verdicts[0].exact and not any(verdict.valid for verdict in verdicts[1:])
    assert verdicts[1].reason == "row 1 holds 1e400, not a code 0 … 255"
    assert verdicts[3].reason.startswith("row 1 holds 999")
    assert judged.summary.answered == 4


def test_no_answers_are_all_wrong(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    figures = judge(tmp_path).summary
    assert (figures.answered, figures.missing, figures.valid, figures.cells) == (0, len(rows), 0.0, 0.0)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        '{"answer": [[0]]}',
        '{"id": 3, "answer": [[0]]}',
        '{"id": "a", "answer": ' + "[" * 50_000,
        '{"id": "a", "answer": [[0]]} {}',
        '{"id": "a", "answer": NaN}',
    ],
)
def test_a_malformed_line_is_named(line: str, rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 3 of .*answers\.jsonl is no answer") as error:
        judge(tmp_path, {"id": rows[0].id, "answer": [[0]]}, "", line)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "answer",
    [{}, {"a": 1}, 3, -1, [[]], [], [[-1]], [[1e300]], [[10**30]], [[None]], [["0"]], [[[0]]], True, "", "[" * 999],
)
def test_odd_answers_are_wrong_and_keep_a_reason(answer: object, rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    judged = judge(tmp_path, {"id": rows[0].id, "answer": answer})
    verdict = judged.verdicts[rows[0].id]
    assert not verdict.valid and verdict.reason
    assert judged.summary.answered == 1


def test_a_line_that_is_no_utf8_is_named(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    assert rows
    for answer in (b'"\xff"', b'{"\xff": 1}', b'[1e400, "\xff"]', b"\xff"):
        (tmp_path / "answers.jsonl").write_bytes(b'{"id": "a", "answer": ' + answer + b"}\n")
        with pytest.raises(UserError, match=r"line 1 of .*answers\.jsonl is no answer"):
            formats.verify_answers(tmp_path / "data", tmp_path / "answers.jsonl")


def test_missing_files_are_refused(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    assert rows
    with pytest.raises(UserError, match=r"file of answers .* cannot be opened"):
        formats.verify_answers(tmp_path / "data", tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="no regular file"):
        formats.verify_answers(tmp_path / "data", tmp_path)
    with pytest.raises(UserError, match=r"holds no manifest\.json"):
        formats.verify_answers(tmp_path / "none", tmp_path / "none.jsonl")
