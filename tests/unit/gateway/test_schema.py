"""JSON Schemas: what is one passes at once, what is none is refused by its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError

from longslope.errors import InvalidRequest
from longslope.gateway.schema import check_schema

KEYWORDS = [
    *("type", "enum", "const", "properties", "required", "additionalProperties", "patternProperties"),
    *("propertyNames", "items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems", "minimum"),
    *("exclusiveMaximum", "multipleOf", "minLength", "pattern", "format", "allOf", "anyOf", "oneOf", "not"),
    *(
        "if",
        "then",
        "else",
        "$ref",
        "$defs",
        "title",
        "default",
        "examples",
        "deprecated",
        "dependentRequired",
    ),
    *("x-own", "description"),
]
words = st.sampled_from(["string", "object", "array", "number", "null", "objekt", "a", "("])
leaves = st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.floats(-1, 2), words)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=4)
    ),
    max_leaves=12,
)


def is_schema(schema: dict[str, Any]) -> bool:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


@given(st.dictionaries(st.sampled_from(KEYWORDS), values, max_size=5))
def test_no_schema_is_refused(schema: dict[str, Any]) -> None:
    if is_schema(schema):
        check_schema(schema, "parameters")


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": ["string", "null"], "enum": ["a", None]},
        {"type": "object", "properties": {"a": True, "b": {"$ref": "#/$defs/b"}}, "$defs": {"b": False}},
        {"if": {"minimum": 1}, "then": {"multipleOf": 0.5}, "else": {"not": {}}},
        {"minLength": 1.0},  # which is an integer to JSON Schema
        {"x-own": {"type": "objekt"}},
        {"patternProperties": {"^a": {"pattern": "^[0-9]+$"}}},
    ],
)
def test_schemas_pass(schema: dict[str, Any]) -> None:
    assert is_schema(schema)
    check_schema(schema, "parameters")


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "objekt"}, ".type"),
        ({"properties": {"a": {"type": 5}}}, ".properties.a.type"),
        ({"required": "a"}, ".required"),
        ({"anyOf": []}, ".anyOf"),
        ({"anyOf": [{}, 5]}, ".anyOf[1]"),
        ({"items": {"pattern": "("}}, ".items.pattern"),
        ({"multipleOf": 0}, ".multipleOf"),
        ({"minLength": -1}, ".minLength"),
        ({"minLength": 1.5}, ".minLength"),
        ({"$defs": {"a": {"if": 3}}}, ".$defs.a.if"),
        ({"$ref": 5}, ".$ref"),
    ],
)
def test_what_is_none_is_refused_by_its_place(schema: dict[str, Any], place: str) -> None:
    assert not is_schema(schema)
    with pytest.raises(InvalidRequest, match="no valid JSON Schema") as refused:
        check_schema(schema, "parameters")
    assert refused.value.param == f"parameters{place}"


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


def test_ordinary_depth_passes_and_absurd_depth_is_refused() -> None:
    check_schema(nested(20), "parameters")
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        check_schema(nested(900), "parameters")


def many(last: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {f"field{number}": {"type": "string"} for number in range(5_000)}
    return {"type": "object", "properties": {**fields, "last": last}}


def test_large_schemas_are_judged_without_the_slow_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(schema: object) -> None:
        raise AssertionError("this would hold up everybody for seconds")

    monkeypatch.setattr(Draft202012Validator, "check_schema", slow)
    check_schema(many({"pattern": "^a"}), "parameters")
    for last in ({"type": "objekt"}, {"pattern": "("}):
        with pytest.raises(InvalidRequest, match="no valid JSON Schema"):
            check_schema(many(last), "parameters")
