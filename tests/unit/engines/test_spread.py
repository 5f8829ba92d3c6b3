"""Several answers are several works, and add up to the one that was asked for."""

from __future__ import annotations

import msgspec
import pytest

from longslope.engines import sse
from longslope.engines.protocol import Operation, Work
from longslope.engines.spread import MAX_PARTS, StreamMerger, merge_answers, spread
from longslope.errors import InvalidRequest


def work(operation: Operation = "chat", choices: int = 1, **body: object) -> Work:
    raw = {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in body.items()}
    return Work(operation=operation, body=raw, salt="a", choices=choices)


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, object]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def test_one_answer_is_one_part_as_it_came() -> None:
    asked = work(messages=[], seed=7)
    (part,) = spread(asked)
    assert part.body is asked.body


def test_choices_differ_in_their_seed() -> None:
    parts = spread(work(choices=3, messages=[], seed=7))
    assert [bytes(part.body["seed"]) for part in parts] == [b"7", b"8", b"9"]


@pytest.mark.parametrize("seed", [-1, "x", 1.5])
def test_a_seed_that_is_none_is_left_to_the_engine(seed: object) -> None:
    parts = spread(work(choices=2, messages=[], seed=seed))
    assert {bytes(part.body["seed"]) for part in parts} == {msgspec.json.encode(seed)}


def test_prompts_are_numbered_before_choices() -> None:
    parts = spread(work("completions", choices=2, prompt=["x", [1, 2]]))
    assert [(bytes(part.body["prompt"]), part.index, part.counts_prompt) for part in parts] == [
        (b'"x"', 0, True),
        (b'"x"', 1, False),
        (b"[1,2]", 2, True),
        (b"[1,2]", 3, False),
    ]


@pytest.mark.parametrize("prompt", ["text", [1, 2, 3], [], [1, "mixed"]])
def test_one_prompt_stays_one(prompt: object) -> None:
    (part,) = spread(work("completions", prompt=prompt))
    assert msgspec.json.decode(part.body["prompt"]) == prompt


def test_too_many_answers_are_refused() -> None:
    with pytest.raises(InvalidRequest, match=f"{2 * MAX_PARTS} answers .* at most {MAX_PARTS}"):
        spread(work("completions", choices=2, prompt=["x"] * MAX_PARTS))


def test_a_merged_answer_counts_each_prompt_once() -> None:
    parts = spread(work("completions", choices=2, prompt=["x", "y"]))
    answers = [
        msgspec.json.encode(
            {
                "id": str(place),
                "choices": [{"index": 0, "text": str(place)}],
                "usage": usage(10 + place, 3, 5),
                "timings": {},
            }
        )
        for place in range(4)
    ]
    merged = msgspec.json.decode(merge_answers(parts, answers))
    assert [(choice["index"], choice["text"]) for choice in merged["choices"]] == [
        (i, str(i)) for i in range(4)
    ]
    assert merged["usage"] == usage(10 + 12, 12, 10)
    assert merged["id"] == "0"
    assert "timings" not in merged


def test_a_merged_stream_is_one_stream() -> None:
    first, second = spread(work(choices=2, messages=[]))
    merger = StreamMerger()
    frames = [
        merger.rewrite(
            second, sse.frame_of({"id": "b", "choices": [{"index": 0, "delta": {"content": "B"}}]})
        ),
        merger.rewrite(
            first, sse.frame_of({"id": "a", "choices": [{"index": 0, "delta": {"content": "A"}}]})
        ),
        merger.rewrite(first, sse.frame_of({"id": "a", "choices": [], "usage": usage(4, 2)})),
        merger.rewrite(second, sse.frame_of({"id": "b", "choices": [], "usage": usage(4, 3)})),
        merger.usage_frame(),
    ]
    assert frames[2] is None
    assert frames[3] is None
    decoded = [msgspec.json.decode(sse.payload(frame)) for frame in frames if frame]
    assert {body["id"] for body in decoded} == {"b"}
    assert [[(c["index"], c["delta"]["content"]) for c in body["choices"]] for body in decoded] == [
        [(1, "B")],
        [(0, "A")],
        [],
    ]
    assert decoded[-1]["usage"] == usage(4, 5)
