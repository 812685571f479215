"""Hold replies as models write them, each with the grid that it gives as its answer, or None.

The corpus was written by hand, before the reader and independently of it. Most replies hold a trap: a right
grid in a wrong place, such as a draft, a check or the question.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import final

from tests.support import reply_boards as b
from tests.support.reply_boards import (
    ARC,
    ARC_ASKED,
    ARC_WRONG,
    LIFE,
    LIFE_ASKED,
    LIFE_WRONG,
    MAZE,
    MAZE_ASKED,
    MAZE_WRONG,
    MINI,
    MINI_ASKED,
    MINI_WRONG,
    PALE,
    SUDOKU,
    SUDOKU_ASKED,
    SUDOKU_WRONG,
    Rows,
)


@final
@dataclass(frozen=True)
class Reply:
    """A reply of a model, with the answer that must be read."""

    name: str
    """A unique name."""
    text: str
    """The reply."""
    answer: Rows | None
    """The grid that the reply gives as its answer, or None if it gives none."""
    shape: tuple[int, int] | None
    """The shape that the caller says was asked, or None if it does not say."""


REPLIES: list[Reply] = []

S9, S4, M, L = (9, 9), (4, 4), (5, 7), (6, 6)


def add(name: str, text: str, answer: Rows | None, shape: tuple[int, int] | None = None) -> None:
    REPLIES.append(Reply(name, text, answer, shape))


# --- Sudoku 9x9: the forms in which people print it
RULE = "------+-------+------"
add("s9 plain JSON", b.compact(SUDOKU), SUDOKU, S9)
add(
    "s9 fence",
    f"Here is the solved Sudoku:\n\n{b.fenced(b.indented(SUDOKU), 'json')}\n\nAll rules hold.",
    SUDOKU,
    S9,
)
add("s9 bars and rules", f"Here is the solved Sudoku:\n\n{b.barred(SUDOKU, 3, 3, RULE)}", SUDOKU, S9)
add("s9 bars, no shape", f"Here is the solved Sudoku:\n\n{b.barred(SUDOKU, 3, 3, RULE)}\n\nDone!", SUDOKU)
add("s9 rule of bars", "Solved:\n" + b.barred(SUDOKU, 3, 3, "-------|-------|-------"), SUDOKU, S9)
add("s9 blank bands", f"Here is the solved Sudoku:\n\n{b.bands(SUDOKU, 3)}", SUDOKU, S9)
add("s9 blank bands, no shape", f"Here is the solved Sudoku:\n\n{b.bands(SUDOKU, 3)}\n\nEnjoy!", SUDOKU)
add("s9 gaps", f"Here is the solved Sudoku:\n\n{b.gapped(SUDOKU, 3, 3)}", SUDOKU, S9)
add("s9 boxed", b.fenced(b.boxed(SUDOKU, 3, 3)), SUDOKU, S9)
add("s9 double lines", "The completed grid:\n\n" + b.drawn(SUDOKU, 3, 3) + "\n", SUDOKU, S9)
add("s9 thin lines", "The completed grid:\n\n" + b.thin(SUDOKU) + "\n", SUDOKU, S9)
add("s9 groups", "Final grid:\n" + b.grouped(SUDOKU, 3), SUDOKU, S9)
add("s9 groups with bars", "Final grid:\n" + b.grouped(SUDOKU, 3, "|"), SUDOKU, S9)
add("s9 groups in bands", "```\n" + b.bands([*SUDOKU], 3, "", "") + "\n```", SUDOKU, S9)
add("s9 one line", f"The solution is {b.whole(SUDOKU)}", SUDOKU, S9)
add("s9 one line alone", b.whole(SUDOKU), SUDOKU, S9)
add("s9 digits", "Answer:\n" + b.digits(SUDOKU), SUDOKU, S9)
add("s9 CSV", b.fenced(b.commas(SUDOKU), "csv"), SUDOKU, S9)
add("s9 table", "**Solution**\n\n" + b.table(SUDOKU), SUDOKU, S9)
add("s9 headed table", "**Solution**\n\n" + b.headed_table(SUDOKU), SUDOKU, S9)
add(
    "s9 indexed table",
    "**Solution**\n\n" + b.indexed_table(SUDOKU) + "\n\nEach box holds 1 to 9.",
    SUDOKU,
    S9,
)
add("s9 row labels", b.named_rows(SUDOKU), SUDOKU, S9)
add("s9 bold row labels", "Result:\n\n" + b.named_rows(SUDOKU, "**Row {}:** {}"), SUDOKU, S9)
add("s9 bulleted row labels", "The solved puzzle:\n" + b.named_rows(SUDOKU, "- Row {}: {}"), SUDOKU, S9)
add("s9 numbered", "The solved puzzle:\n\n" + b.named_rows(SUDOKU, "{}. {}"), SUDOKU, S9)
add("s9 commented", "Answer:\n" + b.commented(SUDOKU), SUDOKU, S9)
add("s9 slashes", "```js\nconst solution = " + b.commented(SUDOKU, "//") + ";\n```", SUDOKU, S9)
add(
    "s9 places after",
    f"**Answer:** {b.spaced_json(SUDOKU)}\n\nFilled first: [[0, 2], [0, 5], [1, 1]]",
    SUDOKU,
    S9,
)
add("s9 object", json.dumps({"answer": SUDOKU, "filled_first": [[0, 2], [0, 5], [1, 1]]}), SUDOKU, S9)
add(
    "s9 object reversed",
    json.dumps({"filled_first": [[0, 2], [0, 5]], "answer": SUDOKU}, indent=1),
    SUDOKU,
    S9,
)
add("s9 object with question", json.dumps({"answer": SUDOKU, "question": SUDOKU_ASKED}), SUDOKU, S9)
add("s9 thinking cut", f"<think>\nLet me try {b.compact(SUDOKU)} and check it", None, S9)
add(
    "s9 thought, none",
    f"<think>\nTry {b.compact(SUDOKU)}. No.\n</think>\nI could not find a solution.",
    None,
    S9,
)
add("s9 draft in thought", f"<think>{b.compact(SUDOKU)}</think>\n{b.compact(SUDOKU_WRONG)}", SUDOKU_WRONG, S9)
add("s9 short of a row", "Answer:\n" + b.spaced(SUDOKU[:8]), SUDOKU[:8], S9)
add("s9 bands short of a row", "Answer:\n" + b.bands(SUDOKU[:8], 3), SUDOKU[:8], S9)
add("s9 ragged", "Answer:\n" + b.spaced(SUDOKU).replace("5 3 4 6", "5 3 6", 1), None, S9)
add("s9 bold givens", "Answer:\n" + b.spaced(SUDOKU).replace("5 3 4", "**5** **3** 4", 1), SUDOKU, S9)
add("s9 blanks left", "Answer:\n" + b.spaced(SUDOKU).replace("4 6 7", ". . 7", 1), None, S9)
add("s9 zeros left", "Answer:\n" + b.spaced(SUDOKU_ASKED), SUDOKU_ASKED, S9)
add(
    "s9 question only",
    "The puzzle is:\n\n" + b.barred(SUDOKU_ASKED, 3, 3, RULE) + "\n\nI cannot solve it.",
    None,
    S9,
)
add(
    "s9 question, then solved",
    f"Puzzle:\n{b.spaced(SUDOKU_ASKED)}\n\nSolution:\n{b.spaced(SUDOKU)}",
    SUDOKU,
    S9,
)
add(
    "s9 wrong bars after right JSON",
    f"Draft: {b.compact(SUDOKU)}\nFinal answer:\n{b.barred(SUDOKU_WRONG, 3, 3, RULE)}",
    SUDOKU_WRONG,
    S9,
)
add("s9 elided rows", "Answer:\n" + b.spaced(SUDOKU[:2]) + "\n...\n" + b.spaced(SUDOKU[8:]), None, S9)
add("s9 elided cells", "Answer:\n5 3 4 ... 2\n6 7 2 ... 8\n1 9 8 ... 7", None, S9)
add(
    "s9 elided after draft",
    f"I think it is {b.compact(SUDOKU)}.\n\nSolution:\n[[5,3,4,6,7,8,9,1,2],…]",
    None,
    S9,
)
add("s9 quote", "The solution:\n\n" + b.quoted(SUDOKU) + "\n\nas you can check.", SUDOKU, S9)
add("s9 full width", "答案：\n" + b.full_width(SUDOKU), SUDOKU, S9)
add("s9 keycaps", "🎉 Solution:\n" + b.keycaps(SUDOKU), SUDOKU, S9)
add(
    "s9 spoken box checks",
    f"Answer: {b.compact(SUDOKU)}\n\nCheck of boxes: [[5,3,4],[6,7,2],[1,9,8]] has 1 to 9.",
    SUDOKU,
    S9,
)
add("s9 column check", f"Solution:\n{b.spaced(SUDOKU)}\n\nColumns:\n{b.spaced(b.turned(SUDOKU))}", SUDOKU, S9)
add(
    "s9 wait",
    f"Answer:\n{b.spaced(SUDOKU)}\n\nWait, the last row is wrong. Corrected:\n{b.spaced(SUDOKU_WRONG)}",
    SUDOKU_WRONG,
    S9,
)

# --- Sudoku 4x4
add("s4 rows", "I fill the boxes one by one.\n\nAnswer:\n1234\n3412\n2143\n4321", MINI, S4)
add("s4 text before", "Row 3 must be 2 1 4 3, so\n\n1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1\n", MINI, S4)
add("s4 bars", "1 2 | 3 4\n3 4 | 1 2\n----+----\n2 1 | 4 3\n4 3 | 2 1", MINI, S4)
add("s4 bars, no shape", "1 2 | 3 4\n3 4 | 1 2\n----+----\n2 1 | 4 3\n4 3 | 2 1", MINI)
add("s4 box", b.boxed(MINI, 2, 2), MINI, S4)
add("s4 thin", b.thin(MINI), MINI, S4)
add("s4 blank", "1 2 3 4\n3 4 1 2\n\n2 1 4 3\n4 3 2 1", MINI, S4)
add("s4 gaps", "1 2  3 4\n3 4  1 2\n\n2 1  4 3\n4 3  2 1", MINI, S4)
add("s4 gaps, no shape", "So we have\n\n1 2  3 4\n3 4  1 2\n\n2 1  4 3\n4 3  2 1\n", MINI)
add("s4 groups", "12 34\n34 12\n21 43\n43 21", MINI, S4)
add("s4 every row apart", "The answer:\n\n1 2 3 4\n\n3 4 1 2\n\n2 1 4 3\n\n4 3 2 1", MINI, S4)
add("s4 every row apart, no shape", "The answer:\n\n1 2 3 4\n\n3 4 1 2\n\n2 1 4 3\n\n4 3 2 1", MINI)
add("s4 lists apart", "The answer:\n\n[1, 2, 3, 4]\n\n[3, 4, 1, 2]\n\n[2, 1, 4, 3]\n\n[4, 3, 2, 1]", MINI, S4)
add("s4 tuple", "solution = " + b.tuples(MINI), MINI, S4)
add("s4 list of tuples", b.list_of_tuples(MINI), MINI, S4)
add("s4 set", "{(1,2,3,4),(3,4,1,2),(2,1,4,3),(4,3,2,1)}", MINI, S4)
add("s4 strings", f'{{"solution": {b.strings(MINI)}}}', MINI, S4)
add("s4 spaced strings", b.spaced_strings(MINI), MINI, S4)
add("s4 string of an object", '{"answer": "1234\\n3412\\n2143\\n4321"}', MINI, S4)
add("s4 JSON in a string", '{"answer": "[[1,2,3,4],[3,4,1,2],[2,1,4,3],[4,3,2,1]]"}', MINI, S4)
add("s4 quoted cells", b.quoted_cells(MINI), MINI, S4)
add("s4 matlab", "A = " + b.matlab(MINI) + ";", MINI, S4)
add("s4 semicolons", "Answer: 1 2 3 4; 3 4 1 2; 2 1 4 3; 4 3 2 1", MINI, S4)
add("s4 bmatrix", rf"$$\boxed{{{b.bmatrix(MINI)}}}$$", MINI, S4)
add("s4 pmatrix", "The solution is\n\\[\n" + b.bmatrix(MINI, "pmatrix") + "\n\\]", MINI, S4)
add("s4 array", "$$\n" + b.latex_array(MINI) + "\n$$", MINI, S4)
add("s4 boxed", rf"So the final answer is $\boxed{{{b.compact(MINI)}}}$.", MINI, S4)
add(
    "s4 numpy",
    "array([[1, 2, 3, 4],\n       [3, 4, 1, 2],\n       [2, 1, 4, 3],\n       [4, 3, 2, 1]])",
    MINI,
    S4,
)
add("s4 numpy print", "The output is:\n" + b.numpy_print(MINI), MINI, S4)
add("s4 html", "<p>The solution:</p>\n" + b.html(MINI), MINI, S4)
add("s4 yaml", "answer:\n" + b.yaml(MINI), MINI, S4)
add("s4 yaml lists", "answer:\n" + "\n".join(f"  - {row}" for row in MINI), MINI, S4)
add("s4 variables", b.variables(MINI), MINI, S4)
add("s4 row keys", '{"row1": [1,2,3,4], "row2": [3,4,1,2], "row3": [2,1,4,3], "row4": [4,3,2,1]}', MINI, S4)
add("s4 one number a line", b.one_a_line(MINI), MINI, S4)
add("s4 bullets", "Final grid:\n" + b.bullets(MINI), MINI, S4)
add("s4 dots", "Final grid:\n" + b.bullets(MINI, "•"), MINI, S4)
add("s4 backticks", "\n".join(f"`{''.join(map(str, row))}`" for row in MINI), MINI, S4)
add("s4 tag", f"<answer>\n{b.digits(MINI)}\n</answer>", MINI, S4)
add(
    "s4 tag, then a check",
    f"<answer>{b.compact(MINI)}</answer>\nCheck: {b.compact(b.turned(MINI))}",
    MINI,
    S4,
)
add(
    "s4 draft labelled",
    f"Draft: {b.compact(MINI)}\nIt breaks a rule.\n\nAnswer: {b.compact(MINI_WRONG)}",
    MINI_WRONG,
    S4,
)
add(
    "s4 first tried",
    f"I first tried {b.compact(MINI)}, which breaks a rule.\n\nThe solution is\n\n{b.spaced(MINI_WRONG)}",
    MINI_WRONG,
    S4,
)
add(
    "s4 first tried, elided",
    f"I first tried {b.compact(MINI)}, which breaks a rule.\n\nFinal answer: [[1,2,3,4], ..., [4,3,1,2]]",
    None,
    S4,
)
add(
    "s4 first tried, unknown",
    f"I first tried {b.compact(MINI)}, which breaks a rule.\n\nAnswer: I cannot tell.",
    None,
    S4,
)
add(
    "s4 first tried, nothing",
    f"I first tried {b.compact(MINI)}, which breaks a rule. I found no solution.",
    None,
    S4,
)
add("s4 given up", f"{b.spaced(MINI)}\n\nBut row 3 breaks a rule. I give up.", None, S4)
add("s4 no solution", f"My attempt:\n{b.spaced(MINI)}\n\nThis is wrong, and there is no solution.", None, S4)
add("s4 attempt, then final", f"Attempt:\n{b.spaced(MINI)}\n\nFinal:\n{b.spaced(MINI_WRONG)}", MINI_WRONG, S4)
add("s4 attempts", f"Attempt 1:\n{b.spaced(MINI)}\n\nAttempt 2:\n{b.spaced(MINI_WRONG)}\n", MINI_WRONG, S4)
add(
    "s4 other shape last",
    f"First: {b.compact(MINI)}\n\nFinal answer:\n1 2 3\n3 1 2\n2 3 1",
    [[1, 2, 3], [3, 1, 2], [2, 3, 1]],
    S4,
)
add("s4 flat list", "Answer: [1,2,3,4,3,4,1,2,2,1,4,3,4,3,2,1]", MINI, S4)
add("s4 null", f'Maybe {b.compact(MINI)}?\n\n{{"answer": null}}', None, S4)
add("s4 question mark", f"Could be {b.compact(MINI)}.\nAnswer: ?", None, S4)
add("s4 none", f"Could be {b.compact(MINI)}.\n**Final answer:** none", None, S4)
add(
    "s4 words in cells",
    "Answer:\n| 1 | 2 | 3 | 4 |\n| 3 | x | 1 | 2 |\n| 2 | 1 | 4 | 3 |\n| 4 | 3 | 2 | 1 |",
    None,
    S4,
)
add(
    "s4 empty cells",
    "Answer:\n| 1 | 2 | 3 | 4 |\n| 3 |   | 1 | 2 |\n| 2 | 1 | 4 | 3 |\n| 4 | 3 | 2 | 1 |",
    None,
    S4,
)
add("s4 underscores", "Answer:\n1 2 3 4\n3 _ 1 2\n2 1 4 3\n4 3 2 1", None, S4)
add("s4 cut in JSON", b.compact(MINI)[:-5], None, S4)
add("s4 cut before the last bracket", b.compact(MINI)[:-1], None, S4)
add("s4 cut in rows", "Answer:\n1 2 3 4\n3 4 1 2\n2 1", None, S4)
add(
    "s4 cut in a table", "Answer:\n| 1 | 2 | 3 | 4 |\n|---|---|---|---|\n| 3 | 4 | 1 | 2 |\n| 2 | 1", None, S4
)
add("s4 cut in a fence", f"Maybe {b.compact(MINI)}.\nFinal answer:\n```json\n[[1,2,3,4],[3,4", None, S4)
add("s4 Windows", "Answer:\r\n1 2 3 4\r\n3 4 1 2\r\n2 1 4 3\r\n4 3 2 1\r\n", MINI, S4)
add("s4 old Mac", "Answer:\r1 2 3 4\r3 4 1 2\r2 1 4 3\r4 3 2 1", MINI, S4)
add("s4 hard spaces", b.spaced(MINI).replace(" ", "\u00a0"), MINI, S4)
add("s4 zero width", b.spaced_json(MINI).replace(", ", ",\u200b"), MINI, S4)
add("s4 BOM", "\ufeff" + b.digits(MINI), MINI, S4)
add("s4 end of turn", b.compact(MINI) + "<|im_end|>", MINI, S4)
add(
    "s4 then code",
    f"Answer: {b.compact(MINI)}\n\n```python\ngrid = {b.compact(MINI_ASKED)}\nfor row in grid:\n"
    "    print(row)\n```",
    MINI,
    S4,
)
add(
    "s4 code that prints",
    f"```python\ndef solve(grid):\n    return {b.compact(MINI_ASKED)}\n```\n\nOutput:\n{b.numpy_print(MINI)}",
    MINI,
    S4,
)
add("s4 places in tuples", f"{b.spaced(MINI)}\n\nI filled (0,1), (0,3), (1,0) and (1,2).", MINI, S4)
add("s4 places, a line each", f"{b.spaced(MINI)}\n\nFilled:\n(0, 1)\n(0, 3)\n(1, 0)", MINI, S4)
add(
    "s4 filled cells with values",
    f"{b.spaced_json(MINI)}\n\nFilled cells (row, column, value): [[0,1,2],[0,3,4],[1,0,3]]",
    MINI,
    S4,
)
add(
    "s4 two rows cited",
    f"{b.spaced_json(MINI)}\n\nRow 1: [1, 2, 3, 4]\nRow 2: [3, 4, 1, 2]\nboth hold 1 to 4.",
    MINI,
    S4,
)
add(
    "s4 all rows cited",
    f"Answer: {b.spaced_json(MINI)}\n\nVerification:\n{b.named_lists(MINI)}\nAll fine.",
    MINI,
    S4,
)
add("s4 columns cited", f"Answer: {b.spaced_json(MINI)}\n\nColumn 1: 1 3 2 4\nColumn 2: 2 4 1 3", MINI, S4)
add(
    "s4 turned over",
    f"The grid is {b.compact(MINI)}. Transposed it reads {b.compact(b.turned(MINI_WRONG))}.",
    MINI,
    S4,
)
add(
    "s4 repeated question", f"Answer: {b.compact(MINI)}\n\nOriginal puzzle: {b.compact(MINI_ASKED)}", MINI, S4
)
add(
    "s4 repeated question, no label",
    f"{b.spaced(MINI)}\n\nThe original puzzle was:\n{b.spaced(MINI_ASKED)}",
    MINI,
    S4,
)
add("s4 confidence", f"{b.compact(MINI)}\nConfidence: 95", MINI, S4)
add("s4 a number after", f"{b.spaced(MINI)}\n\n16", MINI, S4)
add("s4 a year after", f"{b.digits(MINI)}\n\nTime taken: 12\n\n2024", MINI, S4)
add("s4 bold JSON", f"**{b.compact(MINI)}**", MINI, S4)
add(
    "s4 heading",
    f"### Final Answer\n\n{b.compact(MINI)}\n\n### Explanation\n\nBox 1 is [[1,2],[3,4]].",
    MINI,
    S4,
)
add(
    "s4 explanation first",
    f"### Explanation\n\nBox 1 is [[1,2],[3,4]].\n\n### Solution\n\n{b.compact(MINI)}",
    MINI,
    S4,
)
add("s4 answer twice", f"Answer: {b.compact(MINI)}\n\nFinal answer: {b.compact(MINI_WRONG)}", MINI_WRONG, S4)
add("s4 answer repeated", f"Answer: {b.compact(MINI)}\n\nIn rows:\n{b.spaced(MINI)}", MINI, S4)
add("s4 no grid", "The answer is that box 3 holds 2 1 4 3.", None, S4)
add("s4 refusal", "I'm sorry, but I can't see a grid in your message.", None, S4)
add("s4 only places", "I would fill (0,1) with 2 and (0,3) with 4.", None, S4)

# --- Reasoning
for left, right in [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<THINK>", "</THINK>"),
    ("<thought>", "</thought>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<analysis>", "</analysis>"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("◁think▷", "◁/think▷"),
    ("<reflection>", "</reflection>"),
    ("<seed:think>", "</seed:think>"),
    ("<|thinking|>", "<|/thinking|>"),
]:
    add(
        f"{left} draft",
        f"{left}\nAnswer: {b.compact(MINI)}? Row 4 fails.\n{right}\n\n{b.spaced(MINI_WRONG)}",
        MINI_WRONG,
        S4,
    )
    add(
        f"{left} right",
        f"{left}\nMaybe {b.compact(MINI_WRONG)}\n{right}\nAnswer: {b.compact(MINI)}",
        MINI,
        S4,
    )
    add(f"{left} alone", f"{left}Answer: {b.compact(MINI)}{right}", None, S4)
    add(f"{left} cut", f"{left}It is\n{b.spaced(MINI)}\nbut", None, S4)
    add(
        f"{right} without its start",
        f"It is {b.compact(MINI)}\n{right}\n\n{b.compact(MINI_WRONG)}",
        MINI_WRONG,
        S4,
    )
add(
    "harmony",
    f"<|channel|>analysis<|message|>Try {b.compact(MINI)}<|end|><|start|>assistant<|channel|>final<|message|>"
    f"{b.compact(MINI_WRONG)}<|return|>",
    MINI_WRONG,
    S4,
)
add("harmony cut", f"<|channel|>analysis<|message|>Try {b.compact(MINI)}", None, S4)
add("harmony without final", f"<|channel|>analysis<|message|>Answer: {b.compact(MINI)}<|end|>", None, S4)
add(
    "nested thought",
    f"<think>a<think>{b.compact(MINI)}</think>{b.compact(MINI)}</think>{b.compact(MINI_WRONG)}",
    MINI_WRONG,
    S4,
)
add(
    "two thoughts",
    f"<think>a</think>{b.compact(MINI_WRONG)}<think>{b.compact(MINI)}</think>done",
    MINI_WRONG,
    S4,
)
add(
    "answer, then a closed thought",
    f"{b.compact(MINI)}\n<think>check {b.compact(MINI_WRONG)}</think>",
    MINI,
    S4,
)
add("answer, then cut thought", f"{b.compact(MINI)}\n<think>But wait, is row 2", None, S4)
add("answer tag in a cut thought", f"<think>So <answer>{b.compact(MINI)}</answer>", None, S4)
add(
    "answer tag in thought, other after",
    f"<think><answer>{b.compact(MINI)}</answer></think><answer>{b.compact(MINI_WRONG)}</answer>",
    MINI_WRONG,
    S4,
)
add("tag named in code", f"I reasoned without `<think>` tags.\n\nAnswer: {b.compact(MINI)}", MINI, S4)
add("empty thought", f"<think>\n\n</think>\n\n{b.compact(MINI)}", MINI, S4)
add(
    "thought with attributes",
    f'<think effort="low">{b.compact(MINI)}</think>{b.compact(MINI_WRONG)}',
    MINI_WRONG,
    S4,
)
add("thought, then refusal", f"<think>Answer: {b.compact(MINI)}</think>I do not know.", None, S4)

# --- Maze: as large as its question
add("maze rows", "The path goes down and right.\n\n" + b.digits(MAZE), MAZE, M)
add("maze object", json.dumps({"answer": MAZE, "path": [[1, 1], [1, 2], [1, 3], [2, 3]]}), MAZE, M)
add("maze path first", json.dumps({"path": [[1, 1], [1, 2], [1, 3], [2, 3]], "solution": MAZE}), MAZE, M)
add("maze nested object", json.dumps({"reasoning": "right, then down", "answer": {"grid": MAZE}}), MAZE, M)
add(
    "maze fence then path",
    f"```json\n{b.indented(MAZE)}\n```\nPath: (1,1) -> (1,2) -> (1,3) -> (2,3)",
    MAZE,
    M,
)
add("maze path then grid", f"Path: (1,1) -> (1,2) -> (1,3)\n\nGrid:\n{b.spaced(MAZE)}", MAZE, M)
add("maze question and answer", f"Input:\n{b.digits(MAZE_ASKED)}\n\nOutput:\n{b.digits(MAZE)}", MAZE, M)
add("maze answer and question", f"Output:\n{b.digits(MAZE)}\n\nInput:\n{b.digits(MAZE_ASKED)}", MAZE, M)
add("maze question cell by cell", f"Input: {b.compact(MAZE_ASKED)} becomes {b.compact(MAZE)}", MAZE, M)
add("maze arrow", f"{b.compact(MAZE_ASKED)} -> {b.compact(MAZE)}", MAZE, M)
add(
    "maze final after right draft",
    f"Let me mark the path:\n{b.digits(MAZE)}\nThat crosses a wall. Final answer:\n{b.digits(MAZE_WRONG)}",
    MAZE_WRONG,
    M,
)
add("maze only path", "Answer: [[1,1],[1,2],[1,3],[2,3]]", [[1, 1], [1, 2], [1, 3], [2, 3]], M)
add(
    "maze steps and answer",
    "\n\n".join(f"Step {n}:\n{b.digits(g)}" for n, g in enumerate([MAZE_ASKED, MAZE], 1)),
    MAZE,
    M,
)
add(
    "maze python",
    f"```python\nimport numpy as np\nanswer = np.{b.numpy_array(MAZE)}\nprint(answer)\n```",
    MAZE,
    M,
)
add("maze bold word", f"**Output**: \n```\n{b.digits(MAZE)}\n```", MAZE, M)
add("maze labelled target", f"target = {b.spaced_json(MAZE)}", MAZE, M)
add("maze prediction", f"Prediction:\n{b.spaced(MAZE, '  ')}", MAZE, M)
add("maze start and goal", f"Answer: {b.compact(MAZE)}\n\nStart: [1, 1]\nGoal: [3, 5]", MAZE, M)
add("maze legend", f"Legend: 0 wall, 1 floor, 2 start, 3 goal, 4 path\n\n{b.spaced(MAZE)}", MAZE, M)
add("maze legend after", f"{b.spaced(MAZE)}\n\n0 = wall\n1 = floor\n4 = path", MAZE, M)
add("maze trailing words", "0000000  <- wall\n0244410\n0101410\n0101430\n0000000  <- wall", MAZE, M)
add("maze markdown escapes", f"Here's the solved maze:\n\n{b.table(MAZE)}\n\nThe path has 5 cells.", MAZE, M)
add("maze in a quote", f"> **Answer:**\n{b.quoted(MAZE)}", MAZE, M)
add("maze retracted", f"Answer: {b.compact(MAZE)}\n\nWait, that is wrong: I cannot solve this maze.", None, M)
add("maze two answers", f"Answer: {b.compact(MAZE)} or {b.compact(MAZE_WRONG)}", None, M)
add("maze size said", f"{b.compact(MAZE)}\nOutput: 5x7", MAZE, M)
add("maze above", f"So it becomes {b.compact(MAZE)}\n\nAnswer: the grid above.", MAZE, M)
add("maze the last line cut", "Answer:\n0000000\n0244410\n0101410\n0101", None, M)

# --- Life
add("life rows", b.spaced(LIFE), LIFE, L)
add("life live cells", f"Live cells: [[0,1],[0,4],[0,5],[1,0]]\n\n{b.compact(LIFE)}", LIFE, L)
add("life live cells after", f"{b.compact(LIFE)}\n\nLive cells: [[0,1],[0,4],[0,5],[1,0]]", LIFE, L)
add("life counts", f"Neighbour counts:\n{b.compact(LIFE_ASKED)}\n\nNext state:\n{b.compact(LIFE)}", LIFE, L)
add(
    "life next generation",
    f"Current generation:\n{b.digits(LIFE_ASKED)}\n\nNext generation:\n{b.digits(LIFE)}",
    LIFE,
    L,
)
add("life booleans", json.dumps([[bool(cell) for cell in row] for row in LIFE]), LIFE, L)
add("life floats", str([[float(cell) for cell in row] for row in LIFE]), LIFE, L)
add("life strings", f"answer = {b.strings(LIFE)}", LIFE, L)
add("life bullets of lists", b.bulleted_lists(LIFE), LIFE, L)
add("life lists", b.lists(LIFE), LIFE, L)
add("life lists with commas", "Answer:\n" + b.lists_with_commas(LIFE), LIFE, L)
add("life named lists", b.named_lists(LIFE), LIFE, L)
add("life pipes", b.pipes(LIFE), LIFE, L)
add("life tabs", b.spaced(LIFE, "\t"), LIFE, L)
add("life LaTeX", "$" + b.compact(LIFE) + "$", LIFE, L)
add(
    "life wrong",
    f"Draft:\n{b.digits(LIFE)}\n\nAfter checking again, the output is:\n{b.digits(LIFE_WRONG)}",
    LIFE_WRONG,
    L,
)
add("life rows, then JSON", f"{b.spaced(LIFE)}\n\n{b.compact(LIFE)}", LIFE, L)
add("life right rows, wrong JSON", f"{b.spaced(LIFE)}\n\nAs JSON: {b.compact(LIFE_WRONG)}", LIFE_WRONG, L)
add("life batch", json.dumps([LIFE]), LIFE, L)
add("life states", json.dumps([LIFE_ASKED, LIFE]), LIFE, L)
add(
    "life code",
    f"```python\ngrid = {b.compact(LIFE_ASKED)}\ndef step(g):\n    return g\n```\nThe result is:\n```\n"
    f"{b.digits(LIFE)}\n```",
    LIFE,
    L,
)
add("life changed", f"Output:\n{b.lists(LIFE)}\n\nCells that changed:\n[0, 0]\n[0, 1]\n[1, 3]", LIFE, L)
add("life flawed list", "Answer: [[0,1,0],[1,,0],[0,0,0]]", None, (3, 3))
add("life over 255", "Answer: [[0,1],[1,256]]", None, (2, 2))
add("life negative", "Answer: [[0,-1],[1,0]]", None, (2, 2))
add("life fraction", "Answer: [[0,0.5],[1,0]]", None, (2, 2))
add("life and so on", "Answer:\n0 1 0 0 1 1\n1 0 0 1 1 0\nand so on", None, L)
add("life rest unchanged", "Answer:\n0 1 0 0 1 1\n1 0 0 1 1 0\n(remaining rows unchanged)", None, L)
add("life Spanish", "Respuesta:\n" + b.digits(LIFE), LIFE, L)
add("life German", "Die Antwort lautet:\n" + b.digits(LIFE), LIFE, L)

# --- ARC: the answer has a size of its own
add("arc output", f"The columns are counted.\n\nOutput:\n{b.compact(ARC)}", ARC)
add(
    "arc all pairs",
    f"Input: [[1]]\nOutput: [[2]]\n\nTest input: {b.compact(ARC_ASKED)}\nTest output:\n{b.compact(ARC)}",
    ARC,
)
add(
    "arc becomes",
    f"Input: [[1]]\nOutput: [[2]]\n\nInput: {b.compact(ARC_ASKED)}, which becomes {b.compact(ARC)}",
    ARC,
)
add("arc rows", f"Rule: keep two columns.\n\n{b.spaced(ARC)}", ARC)
add(
    "arc rows wrong after right",
    f"First guess:\n{b.spaced(ARC)}\n\nRevised output:\n{b.spaced(ARC_WRONG)}",
    ARC_WRONG,
)
add("arc in prose", f"Applying the rule to the test input gives:\n\n{b.numpy_print(ARC)}", ARC)
add(
    "arc labelled cells",
    f"Output grid:\n{b.fenced(b.lists(ARC))}\nThe input had 3 rows:\n{b.fenced(b.lists(ARC_ASKED))}",
    ARC,
)
add(
    "arc examples again",
    f"In example 1, {b.compact(ARC_ASKED)} becomes {b.compact(ARC_WRONG)}.\n\n"
    f"So the answer is {b.compact(ARC)}.",
    ARC,
)
add("arc json object", json.dumps({"output": ARC, "rule": "two columns", "examples": [[[1]], [[2]]]}), ARC)
add("arc attempts", json.dumps([{"attempt_1": ARC, "attempt_2": ARC_WRONG}]), ARC_WRONG)
add("arc high codes", f"Answer:\n{b.spaced(PALE)}", PALE)
add("arc high codes in a table", f"Answer:\n\n{b.table(PALE)}", PALE)
add("arc high codes in CSV", f"```\n{b.commas(PALE)}\n```", PALE)
add("arc aligned", "[[ 0 10  2]\n [11  3 12]]", PALE)
add("arc letters", "Output:\n0a2\nb3c", PALE)
add("arc one row", "Output: [[1, 2, 3]]", [[1, 2, 3]])
add("arc one row of digits", "Output: 123", [[1, 2, 3]])
add("arc one column", "Output:\n1\n2\n3", [[1], [2], [3]])
add("arc one cell", "Output: [[7]]", [[7]])
add("arc dangling", f"Output: {b.compact(ARC)}...", ARC)
add("arc cut", f"Pattern seen: {b.compact(ARC)}. Output:\n[[3, 3], [0, 0], [8,", None)
add("arc fence of text", f"```text\n{b.digits(ARC)}\n```", ARC)
add("arc no fence end", f"Output:\n```\n{b.digits(ARC)}", ARC)
add("arc html", f"<output>{b.html(ARC)}</output>", ARC)
add("arc latex", r"\[ \text{Output} = " + b.bmatrix(ARC) + r" \]", ARC)
add(
    "arc latex elided",
    rf"Draft ${b.compact(ARC)}$, final: \boxed{{\begin{{bmatrix}}3 & 3\\ "
    rf"\vdots & \vdots\\0 & 3\end{{bmatrix}}}}",
    None,
)
add("arc spoken size", "The output is 5x2.", None)
