"""Test which layouts of folders and which names are read, and what is refused with its names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from vizbench.dataset.splits import SplitSpec
from vizbench.errors import UserError
from vizbench.harness.score.predictions import Pictures, Predictions, read_predictions
from vizbench.harness.score.row_keys import RowKeys, has_notes, without_notes

N = 6
SPEC = SplitSpec("maze/9", 1, {}, 0, "test", 5000)


def saved(top: Path, *names: str) -> Path:
    """Create empty files of these names below a folder: the reader of answers opens none."""
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    return top


def each(name: str, rows: Iterable[int] = range(N)) -> list[str]:
    return [name.format(row) for row in rows]


def paths_of(predictions: Predictions, top: Path) -> dict[int, str]:
    """Return the answer to each row as a path in the folder, or a sequence as the names of its pictures."""
    rows: dict[int, str] = {}
    for name, answer in predictions.answers.items():
        row = int(name.removeprefix("maze/9#0-test-"))
        if isinstance(answer, Pictures):
            rows[row] = " ".join(path.name for path in answer.files)
        else:
            assert isinstance(answer, Path)
            rows[row] = answer.relative_to(top).as_posix()
    return dict(sorted(rows.items()))


LAYOUTS = {
    "runs": "svd/maze_task/maze_{0:04d}/svd_maze_{0:04d}_20250103_143025/video/generated_video.mp4",
    "runs below a task": "maze_{0:04d}/run_1/video/x.mp4",
    "runs, numbers as names": "svd/{0:05d}/1/video/x.mp4",
    "runs of generators": "svd/G-47_maze_data-generator/maze/maze_{0:08d}/run7/video/output.mp4",
    "runs of another task's letters": "sora-2/lab_task/lab_{0:04d}/lab_{0:04d}_20250103_143025/video/x.mp4",
    "no run": "svd/maze_task/maze_{0:04d}/video/video.mp4",
    "no run and no task": "sora-2/maze_{0:04d}/video/video.mp4",
    "no run, a row's word": "sora-2/sample_{0}/video/video.mp4",
    "more in the video folder": "hy/maze_{0:04d}/hy_maze_20260105_014231/video/hunyuan_1767577351/s_s0.mp4",
    "flat": "{0}.mp4",
    "flat below a model": "svd/maze_task/maze_{0:04d}.mp4",
    "flat below a numbered model": "sora-2/{0}.mp4",
    "flat below a numbered model, with a word": "sora-2/output_{0}.mp4",
    "flat below the task's own name": "maze-9/{0}.mp4",
    "flat in a folder of videos": "wan/videos/{0}.mp4",
    "flat in a numbered model's folder of videos": "sora-2/video/{0}.mp4",
    "flat in a numbered model's folder of videos, with a word": "sora-2/maze/video/output_{0}.mp4",
    "pictures in a numbered model's folder": "flux-1/images/{0:03d}.png",
    "pictures in a numbered model's folder, with a word": "flux-1/images/out_{0}.png",
    "flat, of the benchmark's halves": "Out-of-Domain_50/G-47_maze_data-generator/{0:05d}.mp4",
    "a folder per row": "maze_{0:04d}/output.mp4",
    "a folder per row below a model": "runway-gen4-turbo/maze_{0:04d}/output.mp4",
    "a folder per row, named twice": "maze_{0:04d}/maze_{0:04d}.mp4",
    "a folder per row, with the file's seed": "svd/maze_{0:04d}/seed_1.mp4",
    "pictures": "maze-9/{0}.png",
    "pictures of a numbered model": "flux-1/maze_{0}.png",
    "one picture per folder": "{0}/answer.png",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_of_other_tools(tmp_path: Path, layout: str) -> None:
    saved(tmp_path, *each(layout))
    predictions = read_predictions(tmp_path, SPEC, N)
    assert paths_of(predictions, tmp_path) == dict(enumerate(each(layout)))
    assert (predictions.strangers, predictions.duplicates) == ([], 0)
    while len(below := list(tmp_path.iterdir())) == 1:  # so are the folders below, down to the rows
        tmp_path = below[0]
        assert len(read_predictions(tmp_path, SPEC, N).answers) == N


def test_what_tools_put_beside_the_answers_is_none(tmp_path: Path) -> None:
    saved(tmp_path, *each("svd/maze_task/maze_{:04d}/r1/video/x.mp4"))
    plain = read_predictions(tmp_path, SPEC, N)
    saved(tmp_path, *each("svd/maze_task/maze_{:04d}/r1/question/first_frame.png"))
    saved(tmp_path, *each("svd/maze_task/maze_{:04d}/r1/question/ground_truth.mp4"))
    saved(tmp_path, *each("svd/maze_task/maze_{:04d}/r1/video/._x.mp4"))
    saved(tmp_path, *each("svd/maze_task/maze_{:04d}/.ipynb_checkpoints/video/x.mp4"))
    saved(tmp_path, *each("__MACOSX/svd/maze_task/maze_{:04d}/r1/video/x.mp4"), "svd/maze_task/Thumbs.db")
    assert read_predictions(tmp_path, SPEC, N) == plain
    flat = saved(tmp_path / "flat", *each("{}.png"))
    plain = read_predictions(flat, SPEC, N)
    saved(
        flat,
        *each("._{}.png"),
        *each(".ipynb_checkpoints/{}-checkpoint.png"),
        "ground_truth.mp4",
        "desktop.ini",
    )
    assert read_predictions(flat, SPEC, N) == plain


@pytest.mark.parametrize(
    ("layouts", "names"),
    [
        (
            ("svd/maze_task/maze_{:04d}/r1/video/x.mp4", "wan/maze_task/maze_{:04d}/r1/video/x.mp4"),
            "'svd', 'wan'",
        ),
        (
            ("svd/maze_task/maze_{:04d}/r/video/x.mp4", "svd/chess_task/chess_{:04d}/r/video/x.mp4"),
            "'svd/chess_task', 'svd/maze_task'",
        ),
        (("svd/maze_{:04d}/video/x.mp4", "wan/maze_{:04d}/video/x.mp4"), "'svd', 'wan'"),
        (("sora-1/{}.mp4", "sora-2/{}.mp4"), "'sora-1', 'sora-2'"),
        (("sora-1/output_{}.mp4", "sora-2/output_{}.mp4"), "'sora-1', 'sora-2'"),
        (("sora-1/{}.png", "sora-2/{}.png"), "'sora-1', 'sora-2'"),
        (("sora-1/video/{}.mp4", "sora-2/video/{}.mp4"), "'sora-1', 'sora-2'"),
        (("sora-1/video/output_{}.mp4", "sora-2/video/output_{}.mp4"), "'sora-1', 'sora-2'"),
        (("flux-1/images/out_{}.png", "flux-2/images/out_{}.png"), "'flux-1', 'flux-2'"),
        (("sora-1/output_{}.png", "sora-2/output_{}.png"), "'sora-1', 'sora-2'"),
        (("a/{}/001.png", "b/{}/001.png"), "'a', 'b'"),
        (
            ("In-Domain_50/T/{:05d}.mp4", "Out-of-Domain_50/T/{:05d}.mp4"),
            "'In-Domain_50', 'Out-of-Domain_50'",
        ),
        (
            (
                "maze_{0:04d}/svd_maze_{0:04d}_20250103_143025/video/x.mp4",
                "maze_{0:04d}/wan_maze_{0:04d}_1/video/x.mp4",
            ),
            "svd_",
        ),
        (
            ("maze_{0:04d}/sora-1_maze_{0:04d}/video/x.mp4", "maze_{0:04d}/sora-2_maze_{0:04d}/video/x.mp4"),
            "sora-2_",
        ),
        (
            ("maze_{:04d}/svd/video/x.mp4", "maze_{:04d}/wan/video/x.mp4"),
            "'svd/video/x.mp4', 'wan/video/x.mp4'",
        ),
        (("maze_{:04d}/svd.mp4", "maze_{:04d}/wan.mp4"), "'svd.mp4', 'wan.mp4'"),
        (("maze_{:04d}/video/svd.mp4", "maze_{:04d}/video/wan.mp4"), "'video/svd.mp4', 'video/wan.mp4'"),
        (("sora_{}.mp4", "veo_{}.mp4"), "'sora_0', 'veo_"),
        (("{}_sora.mp4", "{}_veo.mp4"), "'0_sora', "),
    ],
)
@pytest.mark.parametrize("halves", [False, True])
def test_two_models_or_tasks_in_one_folder_are_refused_by_name(
    tmp_path: Path, layouts: tuple[str, str], names: str, halves: bool
) -> None:
    saved(tmp_path, *each(layouts[0], range(3) if halves else range(N)))
    saved(tmp_path, *each(layouts[1], range(3, N) if halves else range(N)))
    with pytest.raises(UserError, match=r"of several models(?: or tasks)?: (?:give|keep) ") as error:
        read_predictions(tmp_path, SPEC, N)
    assert names in str(error.value)


def test_many_models_are_not_all_listed(tmp_path: Path) -> None:
    saved(tmp_path, *(f"model{name}/{row}.mp4" for name in range(500) for row in range(2)))
    with pytest.raises(UserError, match=r"in 500 folders \('model0', .* …\)") as error:
        read_predictions(tmp_path, SPEC, N)
    assert len(str(error.value)) < 500


def test_numbered_pictures_of_a_row_are_its_trajectory_and_the_last_its_answer(tmp_path: Path) -> None:
    saved(
        tmp_path,
        *each("maze/{:05d}/001.png"),
        *each("maze/{:05d}/002.png"),
        *each("maze/{:05d}/010.png", [3]),
    )
    saved(tmp_path, *each("maze/{:05d}/first_frame.png"), "maze/00004/overlay.png", "maze/00005/final.png")
    predictions = read_predictions(tmp_path, SPEC, N)
    assert predictions.kind == "sequences"
    assert paths_of(predictions, tmp_path) == {
        0: "001.png 002.png",
        1: "001.png 002.png",
        2: "001.png 002.png",
        3: "001.png 002.png 010.png",
        4: "001.png 002.png",
        5: "001.png 002.png final.png",
    }
    unpadded = saved(tmp_path / "b", *each("{}/images/step_9.png"), *each("{}/images/step_10.png"))
    assert set(paths_of(read_predictions(unpadded, SPEC, N), unpadded).values()) == {"step_9.png step_10.png"}
    flat = saved(tmp_path / "c", *each("{}_step9.png"), *each("{}_step10.png", [1, 2]))
    predictions = read_predictions(flat, SPEC, N)
    assert (predictions.kind, paths_of(predictions, flat)[1], paths_of(predictions, flat)[0]) == (
        "sequences", "1_step9.png 1_step10.png", "0_step9.png",
    )  # fmt: skip


def test_pictures_of_a_row_that_do_not_say_which_is_the_last_are_a_wrong_answer(tmp_path: Path) -> None:
    saved(tmp_path, *each("{}/answer.png"), "3/other.png", "4/b.png", "4/c.png")
    (tmp_path / "4" / "answer.png").unlink()
    answers = read_predictions(tmp_path, SPEC, N).answers
    assert "which is the last" in str(answers.pop("maze/9#0-test-4"))
    assert isinstance(answers["maze/9#0-test-3"], Pictures)
    assert len(answers) == N - 1


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (("3/001.png", "3/002.png"), "name it row_3, else give that folder itself"),
        (
            [*each("foo_{}/bar_7/video/x.mp4"), "foo_1/bar_8/video/x.mp4"],
            "which are the rows cannot be known",
        ),
        (["0_1.mp4", "0_2.mp4", "1_1.mp4", "1_2.mp4"], r"several numbers \('0_1', '0_2', '1_1', '1_2'\)"),
        (["a1b2.mp4", "a2b1.mp4"], "which one is the row cannot be known"),
        (["0.png", "1.mp4"], "holds pictures and videos"),
        (
            [*each("{}.avi", range(2)), *each("{}.mp4", range(1, 6))],
            r"formats that are not read \('0.avi'\): convert",
        ),
        (
            [*each("{}/a.avif", range(2)), *each("{}/a.png", range(1, 6))],
            r"formats that are not read \('0/a.avif'\)",
        ),
        (["notes.txt"], "neither pictures nor videos"),
        (["one.mp4", "two.mp4"], r"holds 2 answers \('one', 'two'\) and none to a row"),
        (["17.mp4"], r"holds 1 answer \('17'\) and none to a row"),
        (each("1-test-{}.mp4"), "none to a row"),
        (each("train_{}.mp4"), "none to a row"),
        (each("0-train-{}.mp4"), "none to a row"),
        (each("life-conway#0-test-{}.mp4"), "none to a row"),
    ],
)
def test_what_is_not_clear_is_refused(tmp_path: Path, layout: list[str], words: str) -> None:
    saved(tmp_path, *layout)
    with pytest.raises(UserError, match=words) as error:
        read_predictions(tmp_path, SPEC, N)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "{}", "{:05d}", "maze_{}", "Maze-{:04d}", "maze9_{}", "maze_9_{}", "maze-9-{:02d}", "row_{}",
        "test_{}", "maze_sample_{}", "{}_step5", "{}_seed0", "{}-seed-42", "maze_{:04d}_seed0",
        "seed_42_{}", "seed3_sample_{}", "maze_{:04d}_20250103_143025", "svd_maze_{:04d}_20250103_143025",
        "{}_512x512_16fps", "run_2_{}", "{}_answer", "model-v2-{:02d}", "sora-2_{}", "out_{}", "frame_{}",
        "step_{}", "{}_watermarked", "maze ({})", "maze #{}", "Antwort {}", "{}_1767577351", "0-test-{}",
        "maze%2F9#0-test-{}", "maze-9#0-test-{}_seed1", "fold1_{}_of_200", "{}.final", "{}_cfg7.5",
    ],
)  # fmt: skip
def test_names_that_say_a_row(name: str) -> None:
    names = each(name)
    assert RowKeys(SPEC, N).rows(names, "it") == dict(zip(names, range(N), strict=True))


def test_names_of_other_models_and_tasks_are_no_rows_beside_own_names() -> None:
    names = [
        *each("maze_{:04d}"),
        *each("chess_{:04d}"),
        "maze_0000 (1)",
        "maze_0001 - Copy",
        "preview1",
        "17b",
        "",
    ]
    assert [name for name, row in RowKeys(SPEC, N).rows(names, "it").items() if row is not None] == names[:N]
    names = ["0", "1", "2", "2 (3)", "1 - Copy (4)", "0 copy 5", "screenshot-2024-01-02", "preview2"]
    assert [name for name, row in RowKeys(SPEC, N).rows(names, "it").items() if row is not None] == names[:3]
    for other in ("chess_0004", "Antwort 4", "chess_4_of_9"):  # it may answer a row that nothing else answers
        with pytest.raises(
            UserError, match=rf"it holds names of several kinds \('0', '{other}'\), which may be of"
        ):
            RowKeys(SPEC, N).rows([*names, other], "it")
    strays = [*each("sora_{}"), "preview1", "screenshot-2024-01-02"]
    assert [row for row in RowKeys(SPEC, N).rows(strays, "it").values() if row is not None] == list(range(N))


def test_a_number_beyond_the_rows_is_no_row() -> None:
    names = ["5", "6", "999999999999999999999999", "9" * 400, "0" * 400 + "3"]
    assert list(RowKeys(SPEC, N).rows(names, "it").values()) == [5, None, None, None, 3]


def test_the_letters_of_a_corpus_task_are_its_file_name() -> None:
    keys = RowKeys(SplitSpec("arc-json:data/0934a4d8.json", 1, {}, 0, "test", 5000), 3)
    names = ["0934a4d8_0", "0934a4d8_1", "0934a4d8-2", "0a1d4ef5_1"]
    assert list(keys.rows(names, "it").values()) == [0, 1, 2, None]


def test_ids_are_read_letter_by_letter() -> None:
    keys = RowKeys(SPEC, N)
    assert keys.row_of_id("maze/9#0-test-3") == 3
    for name in (
        "maze/9#0-test-6",
        "maze/9#0-test-03",
        "maze/9#0-test-3 ",
        "MAZE/9#0-test-3",
        "3",
        "",
        "maze/9#0-test-",
    ):
        assert keys.row_of_id(name) is None


def test_notes_go_as_long_as_a_number_is_left() -> None:
    assert [without_notes(name) for name in ("0_seed1", "seed1", "step_3", "step_3_frame_4")] == [
        "0_", "seed1", "step_3", "step_3_",
    ]  # fmt: skip
    assert has_notes("0_seed1") and not has_notes("maze_0")


def test_runs_and_seeds_of_one_model_are_one(tmp_path: Path) -> None:
    saved(tmp_path, *(f"maze_{row:04d}/run_{run}/video/x.mp4" for row in range(N) for run in range(2)))
    predictions = read_predictions(tmp_path, SPEC, N)
    assert (paths_of(predictions, tmp_path)[3], predictions.duplicates) == ("maze_0003/run_0/video/x.mp4", N)
    clips = saved(tmp_path / "clips", *(f"{row}/seed_{seed}.mp4" for row in range(N) for seed in range(2)))
    assert read_predictions(clips, SPEC, N).duplicates == N
    names = ("3f2a9c", "a91b", "xy", "clip7f", "0c0ffee", "deadbeef")
    clips = saved(tmp_path / "random", *(f"{row}/{name}.mp4" for row, name in enumerate(names)))
    assert len(read_predictions(clips, SPEC, N).answers) == N


def test_names_that_are_no_utf8_are_reported(tmp_path: Path) -> None:
    saved(
        tmp_path,
        *each("maze_{:04d}.png"),
        os.fsdecode(b"chess_\xff1.png"),
        os.fsdecode(b"maze_0001_\xff.png"),
    )
    predictions = read_predictions(tmp_path, SPEC, N)
    assert (len(predictions.answers), predictions.duplicates, predictions.strangers) == (
        N,
        1,
        ["chess_\\udcff1"],
    )


def test_answers_without_notes_count_first(tmp_path: Path) -> None:
    saved(tmp_path, *each("{}_seed0.mp4"), *each("{}_seed1.mp4"), *each("{}.mp4", range(3)))
    predictions = read_predictions(tmp_path, SPEC, N)
    assert list(paths_of(predictions, tmp_path).values()) == [
        "0.mp4",
        "1.mp4",
        "2.mp4",
        *each("{}_seed0.mp4", range(3, 6)),
    ]
    assert predictions.duplicates == 9
