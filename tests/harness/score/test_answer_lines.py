"""Test files of answers: every row of the data set has a verdict, and nothing in the file is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vizbench as vb
from vizbench import formats
from vizbench._util.text import replace_lone_surrogates
from vizbench.errors import UserError
from vizbench.harness.score.score import Scored, score


@pytest.fixture
def rows(tmp_path: Path) -> tuple[vb.Instance, ...]:
    split = vb.load("life/conway", pool=3).test
    formats.write(split, 8, tmp_path / "data")
    return split.head(8)


def scored(tmp_path: Path, *lines: object) -> Scored:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (tmp_path / "answers.jsonl").write_text("\n".join(texts))
    return score(tmp_path / "answers.jsonl", tmp_path / "data")


def test_every_row_has_a_verdict(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    wrong = rows[1].target.copy()
    wrong[0, 0] ^= 1
    result = scored(
        tmp_path,
        {"id": rows[7].id, "answer": vb.to_text(rows[7].target, "rows")},
        {"id": rows[0].id, "answer": rows[0].target.tolist(), "note": "other keys are ignored"},
        "",
        {"id": rows[1].id, "answer": wrong.tolist()},
        {"id": rows[1].id, "answer": rows[1].target.tolist()},  # too late: the first counts
        {"id": rows[2].id, "answer": f"The next board is {vb.to_text(rows[2].target)}."},
        {"id": rows[3].id, "answer": "I do not know"},
        {"id": rows[4].id, "answer": [[0], [0, 1]]},
        {"id": rows[5].id},
        {"id": "life/conway#0-test-8", "answer": [[0]]},
    )
    assert list(result.verdicts) == [row.id for row in rows]
    assert [verdict.valid for verdict in result.verdicts.values()] == [1, 0, 1, 0, 0, 0, 0, 1]
    reasons = [verdict.reason for verdict in result.verdicts.values()]
    assert all(
        bool(reason) != verdict.valid
        for reason, verdict in zip(reasons, result.verdicts.values(), strict=True)
    )
    assert reasons[6] == "there is no answer"
    figures = result.score
    assert (figures.task, figures.rows, figures.answered, figures.missing) == ("life/conway", 8, 6, 2)
    assert (figures.unknown, figures.duplicates, figures.broken, figures.keyless) == (1, 1, 0, 1)
    assert figures.faults == ["line 9: there is no key \"answer\" (its keys are 'id')"]
    assert figures.valid == figures.exact == 3 / 8
    assert figures.cells == (3 + 63 / 64) / 8


def test_a_number_that_nothing_holds_costs_only_its_row(
    rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    many = "9" * 5_000
    result = scored(
        tmp_path,
        "\ufeff" + json.dumps({"id": rows[0].id, "answer": rows[0].target.tolist()}),  # a byte order mark
        f'{{"id": "{rows[1].id}", "answer": [[1e400]]}}',
        f'{{"id": "{rows[2].id}", "answer": {many}}}',
        f'{{"answer": [[{many}]], "id": "{rows[3].id}"}}',
    )
    verdicts = list(result.verdicts.values())
    assert verdicts[0].exact and not any(verdict.valid for verdict in verdicts[1:])
    assert verdicts[1].reason == "row 1 holds 1e400, not a code 0 … 255"
    assert verdicts[3].reason.startswith("row 1 holds 999")
    assert result.score.answered == 4


def test_no_answers_are_all_wrong(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    figures = scored(tmp_path).score
    assert (figures.answered, figures.missing, figures.valid, figures.cells) == (0, len(rows), 0.0, 0.0)


BROKEN = {
    "{": "truncated",
    "[]": "got `array`",
    "null": "got `null`",
    "# by hand": "malformed",
    '{"answer": [[0]]}': "missing required field `id`",
    '{"id": null, "answer": [[0]]}': "got `null`",
    '{"id": "a", "answer": ' + "[" * 50_000: "it is nested too deeply",
    '{"id": "a", "answer": ' + "[" * 50_000 + "]" * 50_000 + "}": "it is nested too deeply",
    '{"id": "a", "answer": [[0]]} {}': "trailing",
    '{"id": "a", "answer": [[0,]]}': "malformed",
    '{"id": "a", "answer": [[0]], "answer": [[1]]}': 'the key "answer" appears twice',
    '{"id": "a", "id": "b", "answer": [[0]]}': 'the key "id" appears twice',
    '{"id": "a", "\\u0069d": "b", "answer": [[0]]}': 'the key "id" appears twice',
    '{"id": "a", "answer": [[NaN]], "answer": [[1]]}': 'the key "answer" appears twice',
    '{"answer": NaN}': "malformed",
    "NaN": "malformed",
}


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_costs_no_other(line: str, rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    good = [{"id": row.id, "answer": row.target.tolist()} for row in rows[:3]]
    result = scored(tmp_path, good[0], "", line, good[1], good[2])
    assert [verdict.valid for verdict in result.verdicts.values()] == [True] * 3 + [False] * 5
    figures = result.score
    assert (figures.answered, figures.missing, figures.broken, figures.unknown) == (3, 5, 1, 0)
    (fault,) = figures.faults
    assert fault.startswith("line 3: ") and BROKEN[line] in fault and len(fault) < 300
    with pytest.raises(UserError, match=r"line 1 of .*answers\.jsonl is no answer \(") as error:
        scored(tmp_path, line)
    assert len(str(error.value)) < 500 and "\n" not in str(error.value)


def test_many_broken_lines_are_counted_and_the_first_shown(
    rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    lines = [{"id": rows[0].id, "answer": [[0]]}, *["torn"] * 700, {"id": rows[1].id}]
    figures = scored(tmp_path, *lines).score
    assert (figures.answered, figures.broken, figures.keyless) == (1, 700, 1)
    assert [fault.partition(":")[0] for fault in figures.faults] == [f"line {k}" for k in range(2, 7)]


def test_a_line_that_is_too_long_is_passed_over(
    rows: tuple[vb.Instance, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vizbench.harness.score.answer_lines.MAX_LINE", 2000)
    long = {"id": rows[0].id, "answer": "x" * 9000}
    for encoding in ("utf-8", "utf-16"):
        lines = [long, {"id": rows[1].id, "answer": rows[1].target.tolist()}, long]
        (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding)
        figures = score(tmp_path / "answers.jsonl", tmp_path / "data").score
        assert (figures.answered, figures.broken, figures.valid) == (1, 2, 1 / 8)
        assert figures.faults[1] == "line 3: it is over 2,000 bytes, the most that is read"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \t\r\n", ",\r\n"])
def test_files_of_any_editor_are_read(
    encoding: str, end: str, rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    text = "".join(
        json.dumps({"id": row.id, "answer": f"ü\u2028\u0085\f{row.target.tolist()}"}, ensure_ascii=False)
        + end
        for row in rows
    )
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    (tmp_path / "answers.jsonl").write_bytes(f"{mark}{text}".encode(encoding))
    assert score(tmp_path / "answers.jsonl", tmp_path / "data").score.exact == 1.0


def test_marks_amid_a_file_brackets_and_padding_are_no_faults(
    rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    lines = [json.dumps({"id": row.id, "answer": row.target.tolist()}).encode() for row in rows]
    text = b"[\n" + b",\n".join(lines[:4]) + b"\n]\n\xef\xbb\xbf" + b"\n".join(lines[4:]) + b"\n" + bytes(512)
    (tmp_path / "answers.jsonl").write_bytes(text)
    figures = score(tmp_path / "answers.jsonl", tmp_path / "data").score
    assert (figures.exact, figures.broken) == (1.0, 0)


@pytest.mark.parametrize(
    "half",
    [
        b"\\ud83d",
        b"\\uDE00",
        b"\\ude00\\ud83d",
        b"\xed\xa0\xbd",
        b"\xed\xb8\x80",
        b"\xed\xa0\xbd\xed\xb8\x80",
    ],
)
def test_half_characters_cost_nothing(half: bytes, rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    first, second, *_ = rows
    reply = json.dumps(f"{first.target.tolist()}").encode()
    lines = [
        b'{"id": "%s", "answer": "%s %s}' % (first.id.encode(), half, reply[1:]),
        b'{"id": "%s", "note": "%s", "%s": 1, "answer": %s}'
        % (second.id.encode(), half, half, json.dumps(second.target.tolist()).encode()),
        b'{"id": "%s%s", "answer": [[0]]}' % (first.id.encode(), half),
    ]
    (tmp_path / "answers.jsonl").write_bytes(b"\n".join(lines))
    figures = score(tmp_path / "answers.jsonl", tmp_path / "data").score
    assert (figures.answered, figures.exact, figures.unknown, figures.broken) == (2, 2 / 8, 1, 0)


def test_whole_characters_and_backslashes_stay() -> None:
    for text in (rb'"\ud83d\ude00"', rb'"\\ud83d"', '"한😀"'.encode(), rb'"\u0041"'):
        assert replace_lone_surrogates(text) == text
    assert json.loads(replace_lone_surrogates(rb'"\ud83d\ud83d\ude00"')) == "\ufffd😀"
    assert json.loads(replace_lone_surrogates(b'"\xed\xa0\xbd\xed\xb8\x80"')) == "😀"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_lacks_costs_only_its_row(
    number: str, rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    grid, right = (json.dumps(rows[n].target.tolist()) for n in (0, 2))
    result = scored(
        tmp_path,
        f'{{"id": "{rows[0].id}", "answer": [[{number}, 0], [0, 1]]}}',
        f'{{"id": "{rows[1].id}", "answer": {{"deep": [[{{"x": {number}}}]]}}}}',
        f'{{"id": "{rows[0].id}", "answer": {grid}}}',
        f'{{"id": "{rows[2].id}", "logprob": {number}, "n": {"9" * 5000}, "answer": {right}}}',
        f'{{"id": "{rows[3].id}", "answer": "{number}"}}',
    )
    reasons = [verdict.reason for verdict in result.verdicts.values()]
    assert reasons[:2] == [f"the answer holds {number}, which is no whole number"] * 2
    assert [verdict.valid for verdict in result.verdicts.values()][:4] == [False, False, True, False]
    assert (result.score.answered, result.score.duplicates, result.score.broken) == (4, 1, 0)


@pytest.mark.parametrize(
    ("start", "reason"),
    [(b"PK\x03\x04", "an archive: unpack it"), (b"\x89PNG\r\n", "a picture: give the folder")],
)
def test_other_files_are_named(
    start: bytes, reason: str, rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_bytes(start + bytes(99))
    with pytest.raises(UserError, match=f"is no file of JSON Lines but {reason}"):
        score(tmp_path / "a.jsonl", tmp_path / "data")


@pytest.mark.parametrize("key", ["prediction", "output", "response", "completion", "Answer"])
def test_another_key_is_no_answer_and_is_named(
    key: str, rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    figures = scored(tmp_path, *({"id": row.id, key: row.target.tolist()} for row in rows)).score
    assert (figures.answered, figures.missing, figures.keyless, figures.valid) == (0, 8, 8, 0.0)
    assert figures.faults[0] == f"line 1: there is no key \"answer\" (its keys are 'id', '{key}')"


@pytest.mark.parametrize("name", ["{}", "{} ", "LIFE/CONWAY#0-test-{}", "life/conway#0-train-{}", 0])
def test_answers_of_which_none_is_to_a_row_are_refused(
    name: str | int, rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    lines = [{"id": name.format(k) if isinstance(name, str) else k, "answer": [[0]]} for k in range(8)]
    with pytest.raises(
        UserError, match=r"holds 8 answers \(.* and none to a row of .* 'life/conway#0-test-0-pool3'"
    ) as error:
        scored(tmp_path, *lines)
    assert repr(str(lines[0]["id"])) in str(error.value)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"a": 1},
        3,
        -1,
        [[]],
        [],
        [[-1]],
        [[1e300]],
        [[10**30]],
        [[None]],
        [["0"]],
        [[[0]]],
        True,
        "",
        "[" * 999,
    ],
)
def test_odd_answers_are_wrong_and_keep_a_reason(
    answer: object, rows: tuple[vb.Instance, ...], tmp_path: Path
) -> None:
    result = scored(tmp_path, {"id": rows[0].id, "answer": answer})
    verdict = result.verdicts[rows[0].id]
    assert not verdict.valid and verdict.reason
    assert result.score.answered == 1


def test_a_line_that_is_no_utf8_costs_no_other(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    good = json.dumps({"id": rows[0].id, "answer": rows[0].target.tolist()}).encode()
    for answer in (b'"\xff"', b'{"\xff": 1}', b'[1e400, "\xff"]', b"\xff", b'NaN, "x": "\xff"'):
        line = b'{"id": "a", "answer": ' + answer + b"}\n"
        (tmp_path / "answers.jsonl").write_bytes(line + good)
        figures = score(tmp_path / "answers.jsonl", tmp_path / "data").score
        assert (figures.answered, figures.valid, figures.broken) == (1, 1 / 8, 1)
        (tmp_path / "answers.jsonl").write_bytes(line)
        with pytest.raises(UserError, match=r"line 1 of .*answers\.jsonl is no answer \("):
            score(tmp_path / "answers.jsonl", tmp_path / "data")


def test_missing_files_are_refused(rows: tuple[vb.Instance, ...], tmp_path: Path) -> None:
    assert rows
    with pytest.raises(UserError, match=r"file of answers .* cannot be opened"):
        score(tmp_path / "none.jsonl", tmp_path / "data")
    with pytest.raises(UserError, match="not a regular file"):
        score(Path("/dev/null"), tmp_path / "data")
    with pytest.raises(UserError, match="neither pictures nor videos"):
        score(tmp_path, tmp_path / "data")
    with pytest.raises(UserError, match=r"holds no manifest\.json"):
        score(tmp_path / "none.jsonl", tmp_path / "none")
