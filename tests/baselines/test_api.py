"""Test the family `api`: what it sends, how it handles every failure of an endpoint, and what it records."""

from __future__ import annotations

import base64
import gzip
import io
import json
import socket
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from PIL import Image

import vizbench as vb
from tests.support.chat_server import FAULTS, KEY, beside, completion, says, script, send, serving
from vizbench.baselines.api import ApiImage, ApiText
from vizbench.baselines.chat import exchange
from vizbench.baselines.chat.endpoint import Endpoint
from vizbench.baselines.chat.reply import read_reply
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.harness.run.codec import codec_for
from vizbench.model import Context, CutText, Example, Schedule
from vizbench.types import Answer, DecodeFailure

PAIRS = [Example("[[0,1]]", "[[1,0]]"), Example("[[0,2]]", "[[2,0]]")]
GOOD = says(completion())


def context(**schedule):
    return Context(
        verifier_of("langton/2"), None, seed=0, report=lambda _: None, schedule=Schedule(**schedule)
    )


def model(stub, *, kind=ApiText, **settings):
    """Return a model that has seen PAIRS, and the list of its waits."""
    waits = []
    made = kind(Endpoint(stub.url, "m", KEY, **settings), waits.append)
    made.adapt(PAIRS, context())
    return made, waits


def answer(act, **settings):
    """Return the reply to one question, the waits, and the number of requests."""
    with serving(act) as stub:
        made, waits = model(stub, **settings)
        ((reply,),) = made.predict(["[[0,3]]"], 1, 0)
        return reply, waits, len(stub.seen)


def fault(act, **settings):
    """Return the error of one question, and the number of requests."""
    with serving(act) as stub:
        made, _ = model(stub, **settings)
        with pytest.raises(UserError) as caught:
            list(made.predict(["[[0,3]]"], 1, 0))
        assert KEY not in str(caught.value)
        return str(caught.value), len(stub.seen)


# What is sent


def test_the_prompt_is_one_instruction_the_pairs_and_the_question():
    with serving(script(GOOD)) as stub:
        made, _ = model(stub)
        assert list(made.predict(["[[0,3]]", "[[3,0]]"], 1, 5)) == [["[[1]]"], ["[[1]]"]]
        assert list(made.predict(["[[0,3]]", "[[3,0]]"], 1, 5)) == [["[[1]]"], ["[[1]]"]]
    first, second = stub.bodies[:2]
    assert stub.bodies[2:] == [first, second]  # the same call, the same bytes
    assert stub.seen[0]["path"] == "/v1/chat/completions"
    assert stub.seen[0]["headers"]["Authorization"] == f"Bearer {KEY}"
    assert set(first) == {"model", "messages", "temperature", "seed", "max_tokens"}
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("m", 0.0, 7 + 2048)
    ((role, content),) = [message.values() for message in first["messages"]]
    assert role == "user"
    instruction, *lines = content.split("\n")
    assert instruction.endswith("as JSON, and nothing else.")
    assert [json.loads(line) for line in lines] == [
        {"question": [[0, 1]], "answer": [[1, 0]]},
        {"question": [[0, 2]], "answer": [[2, 0]]},
        {"question": [[0, 3]]},
    ]
    assert second["seed"] != first["seed"]


def test_processes_are_shown_as_they_are_to_be_written():
    pair = Example("[[0,1]]", "[[1,1]]\n[[1,0]]")
    with serving(script(GOOD)) as stub:
        made = ApiText(Endpoint(stub.url, "m"))
        made.adapt([pair], replace(context(), supervision="process"))
        list(made.predict(["[[0,3]]"], 1, 0))
    instruction, *lines = stub.bodies[0]["messages"][0]["content"].split("\n")
    assert instruction.endswith("reply with its states, one JSON grid per line, and nothing else.")
    assert lines == ['{"question":[[0,1]]}', "[[1,1]]", "[[1,0]]", '{"question":[[0,3]]}']


def test_attempts_are_calls_with_seeds_of_their_own_and_the_first_is_greedy():
    with serving(script(GOOD)) as stub:
        made, _ = model(stub)
        assert [len(replies) for replies in made.predict(["[[0]]", "[[1]]"], 3, 5)] == [3, 3]
        list(made.predict(["[[0]]"], 1, 6))
    assert [body["temperature"] for body in stub.bodies] == [0, 0.7, 0.7, 0, 0.7, 0.7, 0]
    seeds = [body["seed"] for body in stub.bodies]
    assert len(set(seeds)) == 7
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_server_without_key_is_sent_none_and_body_settings_win():
    body = {"temperature": 1, "max_tokens": None, "max_completion_tokens": 9}
    with serving(script(GOOD)) as stub:
        made = ApiText(Endpoint(stub.url, "m", body=body))
        made.adapt(PAIRS, context())
        list(made.predict(["[[0]]"], 1, 0))
    assert "Authorization" not in stub.seen[0]["headers"]
    assert stub.bodies[0]["temperature"] == 1
    assert stub.bodies[0]["max_completion_tokens"] == 9
    assert "max_tokens" not in stub.bodies[0]


def test_pictures_go_out_as_png_data_urls_and_answers_as_text():
    train = vb.load("langton/2").train.head(2)
    asked = vb.load("langton/2").test[0]
    question = asked.question
    with serving(script(GOOD)) as stub:
        made = ApiImage(Endpoint(stub.url, "m"))
        codec = codec_for(made, verifier_of("langton/2"), train, [question])
        made.adapt(codec.examples(train), context())
        ((reply,),) = made.predict(codec.questions([asked]), 1, 0)
    decoded = codec.decode(reply)
    assert isinstance(decoded, Answer) and np.array_equal(decoded.grid, [[1]])
    parts = stub.bodies[0]["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "text", "image_url", "text", "image_url"]
    assert [json.loads(parts[k]["text"])["answer"] for k in (2, 4)] == [row.target.tolist() for row in train]
    for k, grid in ((1, train[0].question), (3, train[1].question), (5, question)):
        head, _, data = parts[k]["image_url"]["url"].partition(",")
        assert head == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True)), formats=("PNG",)) as picture:
            assert np.array_equal(np.array(picture), vb.render(grid, verifier_of("langton/2").look))


@pytest.mark.parametrize(("missing", "fits"), [(0, 2), (1, 1), (10_000, 0)])
def test_a_prompt_over_its_budget_is_refused_with_what_fits(missing, fits):
    with serving(script(GOOD)) as stub:
        made, _ = model(stub)
        list(made.predict(["[[0,3]]"], 1, 0))
    longest = max(
        1, len(stub.bodies[0]["messages"][0]["content"]) + 1 - missing
    )  # with an end of line after each
    made = ApiText(Endpoint("https://x", "m", longest=longest))
    with pytest.raises(
        UserError, match=rf"50 shots do not fit a prompt of {longest} .* holds {fits} of them"
    ):
        made.adapt(PAIRS * 25, context())
    if fits:
        assert made.adapt(PAIRS[:fits], context())["prompt_characters"] <= longest


@pytest.mark.parametrize("schedule", [{"steps": 5}, {"epochs": 1}])
def test_training_that_the_plan_fixes_is_refused(schedule):
    with pytest.raises(UserError, match="leave --steps and --epochs out"):
        ApiText(Endpoint("https://x", "m")).adapt(PAIRS, context(**schedule))


# Faults that pass: asked again, never a wrong answer


def hang(handler):
    handler.connection.settimeout(5)
    with suppress(TimeoutError):
        handler.connection.recv(1)  # until the client hangs up


def trickle(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        time.sleep(0.05)


WHOLE = completion()
PASSING = {
    "429": says(b"slow down", 429),
    "500": says(b"oh", 500),
    "503 of 10 MB": says(b"x" * 11_000_000, 503),
    "408": says(b"", 408),
    "hang": hang,
    "trickle": trickle,
    "hang-up": lambda handler: None,
    "torn, and the line with it": lambda handler: send(handler, WHOLE[:40], length=len(WHOLE)),
    "torn": says(WHOLE[:40]),
    "no JSON": says(b"<html>busy</html>"),
    "empty": says(b""),
    "JSON of another kind": says(b'{"error":{"message":"overloaded"}}'),
    "no choices": says(b'{"choices":[]}'),
    "content of another kind": says(b'{"choices":[{"message":{"content":7}}]}'),
    "deep": says(b'{"choices":' + b"[" * 100_000),
    **FAULTS,
    "no HTTP": lambda handler: handler.wfile.write(b"sk-nonsense\r\n\r\n"),
}


def timeout_for(name, few):
    """Return the timeout: short if the server lets its client wait, else longer than any machine takes."""
    return few if name in ("hang", "trickle") else 60.0


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_waited_out(name):
    reply, waits, asked = answer(script(PASSING[name], PASSING[name], GOOD), timeout=timeout_for(name, 2.0))
    assert (reply, waits, asked) == ("[[1]]", [2.0, 4.0], 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("429", "6 x status 429"),
        ("500", "6 x status 500"),
        ("hang", "6 x no answer within 0.5 s"),
        ("trickle", "6 x no answer within 0.5 s"),
        ("hang-up", "6 x a broken connection"),
        ("torn", "6 x a reply that is not a chat completion (it is not JSON, or incomplete): {"),
        ("no JSON", "(it is a web page): busy)"),
        ("a stream", '(it is a stream of events, which was not asked for): data: {"choices"'),
        ("JSON of another kind", "6 x an error in place of a reply: overloaded"),
        ("error in a choice", "6 x an error in place of a reply: overloaded"),
        ("error beside choices", "Provider returned error"),
        ("error as a string", "upstream connect error"),
        ("error as an object", "the engine is dead"),
        ("error in a list", "The model is overloaded"),
        ("no choices", '(it has no choices): {"choices":[]})'),
        ("no resources", "a reply that failed (finish_reason insufficient_system_resource)"),
        ("unknown parts", "in parts of unknown types (canvas)"),
        ("torn gzip", "gzip that is incomplete or too large"),
    ],
)
def test_a_fault_that_stays_ends_the_trial_and_is_no_answer(name, message):
    sentence, asked = fault(script(PASSING[name]), timeout=timeout_for(name, 0.5))
    assert asked == exchange.TRIES == 6
    assert message in sentence
    assert "in 6 tries" in sentence


def test_a_server_that_drips_its_headers_is_left_at_the_deadline():
    sent = []

    def drip(handler):
        handler.send_response(200)
        for number in range(80):  # a client reads at most 100
            handler.send_header(f"X-{number}", "a")
            handler.flush_headers()
            sent.append(number)
            time.sleep(0.05)

    reply, waits, asked = answer(script(drip, GOOD), timeout=2.0)
    assert (reply, waits, asked) == ("[[1]]", [2.0], 2)
    assert len(sent) < 80  # all of them, if only a pause of the server counted


def test_the_story_counts_each_fault():
    sentence, _ = fault(script(*(PASSING[name] for name in ("429", "500", "429", "torn", "429"))))
    story = "(4 x status 429: slow down; 1 x status 500: oh; 1 x a reply that is not a chat completion ("
    assert story in sentence


def test_nobody_there_is_a_fault_that_may_pass():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: connections are refused
        made = ApiText(Endpoint(f"http://127.0.0.1:{taken.getsockname()[1]}", "m", KEY), lambda _: None)
        made.adapt(PAIRS, context())
        with pytest.raises(UserError, match=r"6 x a broken connection: .*refused"):
            list(made.predict(["[[0]]"], 1, 0))


@pytest.mark.parametrize(
    ("asked_for", "wait"),
    [("7", 7), ("1", 2), ("0", 2), ("86400", 60), ("-5", 2), ("nan", 2), ("soon", 2), ("9" * 5000, 2)],
)
def test_retry_after_is_honoured_within_bounds(asked_for, wait):
    act = script(says(b"", 429, Retry_After=asked_for), GOOD)
    assert answer(act) == ("[[1]]", [wait], 2)


def test_retry_after_as_a_date():
    in_half_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    reply, (wait,), _ = answer(script(says(b"", 503, Retry_After=in_half_a_minute), GOOD))
    assert reply == "[[1]]"
    assert 20 < wait <= 30


def test_waits_grow_and_stay_bounded():
    waits = []
    with serving(script(PASSING["500"])) as stub:
        made = ApiText(Endpoint(stub.url, "m"), waits.append)
        made.adapt(PAIRS, context())
        with pytest.raises(UserError):
            list(made.predict(["[[0]]"], 1, 0))
    assert waits == [2, 4, 8, 16, 32]


def test_milliseconds_of_retry_after():
    assert answer(script(says(b"", 429, Retry_After_Ms="7500"), GOOD)) == ("[[1]]", [7.5], 2)


# What is refused at once


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_reported_at_once_without_the_key(status):
    said = json.dumps(
        {"error": {"message": f"Incorrect API key provided: {KEY}\x1b[31m. See the docs."}}
    ).encode()
    sentence, asked = fault(script(says(said, status)))
    assert asked == 1
    assert f"status {status}: Incorrect API key provided: ***" in sentence
    assert sentence.isprintable()


SPENT = [
    (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}),
    (429, {"error": {"type": "insufficient_quota", "message": "no more"}}),
    (
        429,
        {
            "error": {
                "message": "You exceeded your current quota, please check your plan and billing details."
            }
        },
    ),
    (403, {"error": {"code": "InsufficientBalance", "message": "Account has insufficient balance"}}),
    (429, {"error": {"message": "insufficient_quota"}}),
    (429, {"error": {"status": 429, "message": "余额不足"}}),
    (200, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}),
    (
        200,
        {
            "choices": [
                {"error": {"code": 402, "message": "Insufficient credits"}, "message": {"content": ""}}
            ]
        },
    ),
]


@pytest.mark.parametrize(("status", "body"), SPENT)
def test_a_quota_that_is_used_up_is_reported_at_once_in_the_servers_words(status, body):
    sentence, asked = fault(script(says(json.dumps(body).encode(), status)))
    assert asked == 1
    assert "has no quota left for this key" in sentence
    assert (body.get("error") or body["choices"][0]["error"])["message"] in sentence


def test_a_rate_limit_that_speaks_of_a_quota_is_waited_out():
    said = {
        "message": "You exceeded your current quota, check billing details. Please retry in 33s.",
        "code": 429,
    }
    assert answer(script(says(json.dumps({"error": said}).encode(), 429), GOOD)) == ("[[1]]", [2.0], 2)


@pytest.mark.parametrize("code", [400, "401", 404])
def test_a_status_that_a_reply_names_is_read_as_that_status(code):
    sentence, asked = fault(script(says(beside(error={"message": "no such model", "code": code}))))
    assert asked == 1
    assert (
        f"refuses the request with status {code}, named in an error in place of a reply: no such model"
        in sentence
    )


def test_no_redirect_is_followed():
    with serving(script(GOOD)) as other:
        sentence, asked = fault(script(says(b"", 307, Location=f"{other.url}/chat/completions")))
        assert other.seen == []
    assert asked == 1
    assert "OPENAI_BASE_URL" in sentence


# What the model did: recorded


def test_a_reply_of_over_10_mb_is_an_undecodable_answer():
    reply, waits, asked = answer(script(says(completion("x" * 10_000_001))))
    assert reply == DecodeFailure("the reply has over 10,000,000 bytes")
    assert (waits, asked) == ([], 1)
    reply, _, _ = answer(script(says(completion("x" * 9_000_000))))
    assert isinstance(reply, str)


THINKING = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "[[9]]"}]},
    {"type": "text", "text": "[[0]]"},
]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (completion("[[0"), "[[0"),
        (completion("[[0]", "length"), "[[0]"),
        (completion([{"type": "text", "text": "[[0]"}, {"type": "text", "text": "]"}]), "[[0]]"),
        (
            completion([{"type": "text", "text": None}, None, {"type": "output_text", "text": "[[0]]"}]),
            "[[0]]",
        ),
        (completion(["[[0]]"]), "[[0]]"),
        (completion([{"text": {"value": "[[0]]", "annotations": []}}]), "[[0]]"),
        (completion({"type": "text", "text": "[[0]]"}), "[[0]]"),
        (completion(THINKING), "[[0]]"),
        (completion([{"type": "reasoning", "text": "[[9]]"}, "[[0]]"]), "[[0]]"),
        (completion([{"type": "canvas", "text": "[[9]]"}, {"type": "text", "text": "[[0]]"}]), "[[0]]"),
        (completion("[[0]]", reasoning_content="[[9]]"), "[[0]]"),
        (completion("[[0]]", error=None, refusal=""), "[[0]]"),
        (beside(error={"code": 0, "message": ""}), "[[1]]"),
        (completion("x").replace(b'"x"', b'"\\ud83d [[0]]\xff"'), "\ufffd [[0]]\ufffd"),
        (completion("x").replace(b'"x"', b'"\\ud83d\\ude00 [[0]]"'), "\U0001f600 [[0]]"),
        (completion().replace(b'"usage": {}', b'"usage": NaN, "error": null'), "[[1]]"),
        (completion().replace(b'"stop"', b"0"), "[[1]]"),
        (b"\xef\xbb\xbf" + completion(), "[[1]]"),
        (completion().decode().encode("utf-16"), "[[1]]"),
        (b": PROCESSING\n\n: PROCESSING\n\n" + completion(), "[[1]]"),
        (gzip.compress(completion()), "[[1]]"),
        (completion("", "length"), DecodeFailure("the reply was cut by length before it had an answer")),
        (
            completion(THINKING[:1], "MAX_TOKENS"),
            DecodeFailure("the reply was cut by length before it had an answer"),
        ),
        (completion(None, "content_filter"), DecodeFailure("a filter withheld the reply (content_filter)")),
        (completion(None, "stop", refusal="I\ncannot"), DecodeFailure("the model refused: I cannot")),
        (completion([{"type": "refusal", "refusal": "no"}]), DecodeFailure("the model refused: no")),
        (
            completion(None, "tool_calls", tool_calls=[{}]),
            DecodeFailure("the model called a tool and gave no text"),
        ),
        (completion("", reasoning="Final: [[0]]"), DecodeFailure("the model ended without a text (stop)")),
        (completion([{"type": "image"}]), DecodeFailure("the model ended without a text (stop)")),
    ],
)
def test_replies(raw, expected):
    assert read_reply(raw) == expected


def test_a_cut_reply_says_so_if_it_holds_no_grid():
    for text, cut in (("[[0]", True), ("[[1]]", True), ("[[1]]", False)):
        reply = read_reply(completion(text, "length" if cut else "stop"))
        assert isinstance(reply, CutText) is cut
    filtered = read_reply(completion("[[1", "content_filter"))
    assert isinstance(filtered, CutText) and filtered.by == "a filter"


def test_a_reply_that_holds_nothing_is_asked_again_before_it_is_the_models():
    assert answer(script(says(completion("")), says(completion([])), GOOD)) == ("[[1]]", [2.0, 4.0], 3)
    reply, waits, asked = answer(script(says(completion(""))))
    assert reply == DecodeFailure("the model ended without a text (stop)")
    assert (waits, asked) == ([2.0, 4.0], exchange.EMPTY)


def test_a_key_that_is_echoed_in_a_refusal_is_not_kept():
    reply, _, _ = answer(script(says(completion(None, refusal=f"I know {KEY}"))))
    assert reply == DecodeFailure("the model refused: I know ***")


def test_a_proxy_of_the_environment_never_sees_plain_http(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert answer(script(GOOD)) == ("[[1]]", [], 1)
