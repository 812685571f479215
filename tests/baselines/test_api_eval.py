"""Test the family `api` from outside: its settings, and whole runs of `vizbench eval` against a stub."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import vizbench as vb
from tests.support.chat_server import FAULTS, KEY, completion, says, script, send, serving
from tests.support.commands import Run, refused
from vizbench.baselines.chat import exchange
from vizbench.baselines.chat.endpoint import Endpoint, endpoint_from
from vizbench.errors import UserError

GOOD = says(completion())

# Settings


URL = "https://api.example.org/v1"


def test_the_environment_says_where():
    endpoint = endpoint_from(
        {
            "OPENAI_BASE_URL": f" {URL}/chat/completions/ ".replace("s/ ", "s "),
            "OPENAI_API_KEY": f"{KEY}\n",
            "VIZBENCH_API_BODY": '{"top_p": 0.5}',
            "VIZBENCH_API_TIMEOUT": "9",
            "VIZBENCH_API_PROMPT": "1000",
        },
        "org/model:7b",
    )
    assert endpoint == Endpoint(URL, "org/model:7b", KEY, {"top_p": 0.5}, 9, 1000)
    assert KEY not in repr(endpoint) + endpoint.identity
    assert endpoint.identity == f'{URL} {{"top_p":0.5}}'


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"OPENAI_BASE_URL": ""}, "needs the address"),
        ({"OPENAI_BASE_URL": "api.example.org"}, "is not a web address"),
        ({"OPENAI_BASE_URL": "file:///etc/passwd"}, "is not a web address"),
        ({"OPENAI_BASE_URL": "https://"}, "is not a web address"),
        ({"OPENAI_BASE_URL": "https://[x/v1"}, "is not a web address"),
        ({"OPENAI_BASE_URL": "https://x:99999/v1"}, "is not a web address"),
        ({"OPENAI_BASE_URL": "https://x/v 1"}, "is not a web address"),
        ({"OPENAI_BASE_URL": f"https://user:{KEY}@x/v1"}, "holds a user"),
        ({"OPENAI_BASE_URL": f"https://x/v1?key={KEY}"}, "a query"),
        ({"OPENAI_BASE_URL": "http://api.example.org/v1"}, "plain http"),
        ({"OPENAI_BASE_URL": "http://localhost.example.org"}, "plain http"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1.example.org"}, "plain http"),
        ({"OPENAI_API_KEY": f"{KEY}\r\nX: y"}, "OPENAI_API_KEY holds"),
        ({"OPENAI_API_KEY": f"{KEY}ü"}, "OPENAI_API_KEY holds"),
        ({"VIZBENCH_API_BODY": "[1]"}, "not a JSON object"),
        ({"VIZBENCH_API_BODY": "{"}, "not a JSON object"),
        ({"VIZBENCH_API_BODY": '{"stream": true}'}, "may not set 'stream'"),
        ({"VIZBENCH_API_BODY": '{"messages": []}'}, "may not set 'messages'"),
        ({"VIZBENCH_API_TIMEOUT": "0"}, "outside 1"),
        ({"VIZBENCH_API_PROMPT": "many"}, "outside 1"),
        ({"VIZBENCH_OFFLINE": "1"}, "--offline forbids"),
    ],
)
def test_wrong_settings_are_refused_without_showing_them(variables, part):
    with pytest.raises(UserError, match=part) as caught:
        endpoint_from({"OPENAI_BASE_URL": URL} | variables, "m")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.9/v1", "http://[::1]:80/v1"])
def test_plain_http_reaches_this_machine_and_others_when_asked(url):
    assert endpoint_from({"OPENAI_BASE_URL": url}, "m").url == url
    far = {"OPENAI_BASE_URL": "http://vllm:8000/v1", "VIZBENCH_API_HTTP": "1"}
    assert endpoint_from(far, "m").url == "http://vllm:8000/v1"


# A whole run


EVAL = ("eval", "--model", "api", "--task", "langton/2", "--shots", 3, "--n-test", 4, "--out", "r")


@pytest.fixture
def at(monkeypatch):
    """Return a function that points the environment at a stub."""

    def point(stub):
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)

    for name in ("VIZBENCH_API_BODY", "VIZBENCH_API_TIMEOUT", "VIZBENCH_API_PROMPT", "VIZBENCH_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(exchange, "FIRST_WAIT", 0.0)
    return point


def solving(handler, number):
    """Answer by the rule, from the last line of the prompt, and refuse the second answer."""
    from vizbench.formats.lookup import verifier_and_params

    if number == 1:
        return send(handler, completion(None, refusal="no"))
    asked = json.loads(handler.server_body.split("\n")[-1])["question"]
    verifier, params = verifier_and_params("langton/2")
    solved = verifier.solve(params, np.array(asked, np.uint8))
    assert solved is not None
    return send(handler, completion(f"Here it is:\n{vb.to_text(solved)}"))


def test_a_run_records_answers_refusals_and_never_the_key(run: Run, tmp_path, at):
    with serving(lambda handler, number: None) as stub:

        def act(handler, number):
            handler.server_body = stub.bodies[number]["messages"][0]["content"]
            solving(handler, number)

        stub.act = act
        at(stub)
        done = run(*EVAL, "--checkpoint", "some/model", "--json")
    assert done.code == 0, done
    (row,) = [row for row in json.loads(done.out)["results"] if row["model"] == "api"]
    assert (row["n"], row["exact"], row["checkpoint"]) == (4, 0.75, "some/model")
    (folder,) = (tmp_path / "r").glob("*__api__*")
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    assert [record["undecodable"] for record in records] == [False, True, False, False]
    assert records[1]["reason"] == "the model refused: no"
    assert json.loads((folder / "run.json").read_text())["weights"] == f"{stub.url} {{}}"
    written = b"".join(path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file())
    assert KEY.encode() not in written
    assert KEY not in done.out + done.err


def test_shots_that_no_prompt_holds_leave_nothing(run: Run, tmp_path, at, monkeypatch):
    monkeypatch.setenv("VIZBENCH_API_PROMPT", "300")
    with serving(lambda handler, number: GOOD(handler)) as stub:
        at(stub)
        assert "3 shots do not fit a prompt of 300 characters" in refused(run(*EVAL, "--checkpoint", "m"))
        assert "leave --steps and --epochs out" in refused(run(*EVAL, "--checkpoint", "m", "--steps", 5))
        assert not stub.bodies
        assert not list(tmp_path.iterdir())
        monkeypatch.setenv("VIZBENCH_API_PROMPT", "20000")
        more_shots: list[object] = [*EVAL]
        more_shots[more_shots.index(3)] = "3,100"
        done = run(*more_shots, "--checkpoint", "m")
    assert done.code == 1
    assert "100 shots do not fit a prompt of 20,000 characters" in done.err
    assert "report.html" in done.out
    (failed,) = (path.parent for path in (tmp_path / "r").rglob("error.txt"))
    assert {path.name for path in failed.iterdir()} == {"trial.json", "error.txt", "lock"}


def test_a_rate_limit_fails_the_trial_keeps_what_was_answered_and_resumes(run: Run, tmp_path, at):
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in KEY), "\\n".join(KEY), KEY.upper(), KEY
    echo = '{"error":{"message":"slow down, ' + " ".join(spelled) + '"}}'
    with serving(lambda handler, number: (GOOD if number < 2 else says(echo.encode(), 429))(handler)) as stub:
        at(stub)
        done = run(*EVAL, "--checkpoint", "m")
        assert done.code == 1
        assert "6 x status 429" in done.err
        (folder,) = (tmp_path / "r").glob("*__api__*")
        kept = (folder / "records.jsonl").read_text()
        assert kept.count("\n") == 2
        shown = (folder / "error.txt").read_text() + done.out + done.err
        assert "slow down, ***" in shown
        assert KEY.lower() not in "".join(shown.lower().split())
        assert "u0073" not in shown
        stub.act = script(GOOD)
        assert run(*EVAL, "--checkpoint", "m").code == 0
    assert (folder / "records.jsonl").read_text().startswith(kept)
    assert (folder / "records.jsonl").read_text().count("\n") == 4
    assert not (folder / "error.txt").exists()


@pytest.mark.parametrize("name", ["error in a choice", "error beside choices", "failed with a text"])
def test_a_servers_failure_with_the_status_of_success_is_no_answer(run: Run, tmp_path, at, name):
    with serving(lambda handler, number: (GOOD if number < 1 else FAULTS[name])(handler)) as stub:
        at(stub)
        done = run(*EVAL, "--checkpoint", "m")
        assert done.code == 1
        (folder,) = (tmp_path / "r").glob("*__api__*")
        assert (folder / "records.jsonl").read_text().count("\n") == 1
        assert "6 x " in (folder / "error.txt").read_text()
        stub.act = script(GOOD)
        assert run(*EVAL, "--checkpoint", "m").code == 0
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    assert [record["undecodable"] for record in records] == [False] * 4


def test_one_odd_reply_does_not_fail_the_trial(run: Run, tmp_path, at):
    odd = completion("x").replace(b'"x"', b'"\\ud83d [[1]]"')
    refusal = completion(None, refusal="x").replace(b'"x"', b'"\\udc00 no"')
    cut = completion("First [[1", "length")
    with serving(script(says(odd), says(refusal), says(cut), GOOD)) as stub:
        at(stub)
        assert run(*EVAL, "--checkpoint", "m").code == 0
    (folder,) = (tmp_path / "r").glob("*__api__*")
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    assert [record["undecodable"] for record in records] == [False, True, True, False]
    assert records[1]["reason"] == "the model refused: \ufffd no"
    assert records[2]["reason"].startswith("the reply was cut by length: ")


def test_answers_of_two_endpoints_are_not_mixed(run: Run, at):
    with serving(script(GOOD)) as one, serving(script(GOOD)) as other:
        at(one)
        assert run(*EVAL, "--checkpoint", "m", "--limit", 1).code == 0
        at(other)
        done = run(*EVAL, "--checkpoint", "m")
        assert done.code == 2
        assert f"weights was {one.url} {{}}, is {other.url} {{}}" in done.err
        assert other.seen == []


def test_pictures_by_the_checkpoint(run: Run, at):
    with serving(script(GOOD)) as stub:
        at(stub)
        assert run(*EVAL, "--checkpoint", "image:m").code == 0
    assert {body["model"] for body in stub.bodies} == {"m"}
    assert [part["type"] for part in stub.bodies[0]["messages"][0]["content"][:3]] == [
        "text",
        "text",
        "image_url",
    ]


# The task's prompt


ZERO = ("eval", "--model", "api", "--checkpoint", "m", "--task", "life/conway", "--n-test", 2, "--out", "r")


def sent(stub):
    """Return the content of each request's only message."""
    contents = []
    for body in stub.bodies:
        (message,) = body["messages"]
        assert message["role"] == "user"
        contents.append(message["content"])
    return contents


def line(**fields):
    return json.dumps(fields, separators=(",", ":"))


def test_without_shots_the_server_sees_the_tasks_prompt_and_the_question(run: Run, tmp_path, at):
    test = vb.load("life/conway").test.head(2)
    with serving(script(GOOD)) as stub:
        at(stub)
        done = run(*ZERO, "--shots", 0)
    assert done.code == 0, done
    prompts = [vb.prompt(instance, style=None) for instance in test]
    assert sent(stub) == [
        f"{prompt}\n{line(question=instance.question.tolist())}"
        for prompt, instance in zip(prompts, test, strict=True)
    ]
    assert "0 = dead cell, 1 = live cell" in prompts[0]
    assert prompts[0].isascii() and "\n" not in prompts[0]
    assert {body["max_tokens"] for body in stub.bodies} == {4096 + 2048}
    assert "0 shots: majority and nearest are left out" in done.err
    headers = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "r").rglob("run.json")}
    assert {name.split("__")[1] for name in headers} == {"copy", "blank", "random", "solver", "api"}
    (header,) = [header for name, header in headers.items() if "__api__" in name]
    assert (header["trial"]["prompt"], header["trial"]["shots"], header["data"]["shots"]) == ("task", 0, 0)
    assert header["first_prompt"] == prompts[0]
    assert {header["first_prompt"] for name, header in headers.items() if "__api__" not in name} == {None}
    assert (
        run("report", "r", "--md", "r.md", "--html", "r.html", "--csv", "r.csv", "--figures", "f").code == 0
    )
    report = (tmp_path / "r.md").read_text()
    assert "## Prompts" in report and prompts[0][:40] in report
    assert "task prompt" in report and "task prompt" in (tmp_path / "r.csv").read_text()
    assert "of the first question of each task" in (tmp_path / "r.html").read_text()


def test_few_shots_come_after_the_prompt(run: Run, at):
    data = vb.load("life/conway")
    test = data.test.head(2)
    with serving(script(GOOD)) as stub:
        at(stub)
        assert run(*ZERO, "--shots", 2).code == 0
    introduction = (
        "Each line below is a JSON object with an example question and its answer. The last line is the "
        "question without its answer."
    )
    shown = [line(question=i.question.tolist(), answer=i.target.tolist()) for i in data.train.head(2)]
    assert sent(stub) == [
        "\n".join([vb.prompt(i, style=None), introduction, *shown, line(question=i.question.tolist())])
        for i in test
    ]


def test_pictures_come_with_the_prompt_that_names_colours(run: Run, at):
    test = vb.load("life/conway").test.head(2)
    with serving(script(GOOD)) as stub:
        at(stub)
        assert run(*(ZERO[:4]), "image:m", *ZERO[5:], "--shots", 0).code == 0
    for (words, picture), instance in zip(sent(stub), test, strict=True):
        assert words == {"type": "text", "text": vb.prompt(instance, "vision", style=None)}
        assert picture["type"] == "image_url"


def test_without_a_prompt_the_server_sees_one_instruction_and_the_examples(run: Run, at):
    with serving(script(GOOD)) as stub:
        at(stub)
        assert run(*ZERO, "--shots", 2, "--prompt", "none").code == 0
        assert "0 shots tell api nothing" in refused(run(*ZERO, "--shots", 0, "--prompt", "none"))
    for content in sent(stub):
        instruction, *lines = content.split("\n")
        assert instruction.startswith(
            "Each line below is a JSON object with a question and its answer, grids"
        )
        assert len(lines) == 3


def test_a_run_goes_on_with_its_own_prompt_only(run: Run, tmp_path, at):
    with serving(script(GOOD)) as stub:
        at(stub)
        assert run(*ZERO, "--shots", "0,2", "--limit", 1).code == 0
        assert "prompt was task, is none" in refused(run(*ZERO, "--shots", 2, "--prompt", "none"))
        assert run(*ZERO, "--shots", "0,2").code == 0
        assert len(stub.bodies) == 2 + 4  # a group of questions is asked again from its start
        # Another wording of the same task is another prompt.
        (path,) = (tmp_path / "r").glob("*__api__*__n0__*/run.json")
        path.write_text(path.read_text().replace('"first_prompt": "', '"first_prompt": "Now. '))
        (path.parent / "records.jsonl").write_text("")
        done = run(*ZERO, "--shots", "0,2")
        assert done.code == 2
        assert "first_prompt was Now. " in done.err
        assert len(stub.bodies) == 2 + 4


def test_a_plan_of_no_shots_is_estimated(run: Run, at):
    with serving(script(GOOD)) as stub:
        at(stub)
        done = run(*ZERO, "--shots", "0,2", "--dry-run", "--json")
    rows = json.loads(done.out)["trials"]
    assert {(row["shots"], row["problem"]) for row in rows} == {(0, ""), (2, "")}


def test_what_is_missing_is_said_before_anything_is_written(run: Run, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("VIZBENCH_OFFLINE", "")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # both are put back after the test: `--offline` sets them
    assert "--checkpoint NAME" in refused(run(*EVAL))
    assert "OPENAI_BASE_URL=" in refused(run(*EVAL, "--checkpoint", "m"))
    monkeypatch.setenv("OPENAI_BASE_URL", URL)
    assert "--offline forbids" in refused(run(*EVAL, "--checkpoint", "m", "--offline"))
    assert not list(tmp_path.iterdir())


def test_listing_models_loads_no_network_code():
    code = "import sys, vizbench.model as m; m.families(); sys.exit('urllib.request' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
