"""JSON Schemas of tools and answers: whether they are schemas at all (Draft 2020-12).

Nearly all are, so the vocabulary is written down as a type that msgspec checks in microseconds. What does not
fit it goes to the `jsonschema` package, which says where and why; that takes milliseconds for each property
and the event loop waits, so large ones are refused in msgspec's shorter words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from longslope.errors import InvalidRequest

_MOST_EXPLAINED_BYTES = 8 * 1024

Type = Literal["array", "boolean", "integer", "null", "number", "object", "string"]
Count = Annotated[int, Meta(ge=0)]
Number = int | float
Sub = Union["_Schema", bool]
Subs = Annotated[list[Sub], Meta(min_length=1)]


def _keyword(name: str) -> str:
    return {"not_": "not", "if_": "if", "else_": "else"}.get(name) or (
        f"${name.removesuffix('_')}" if name.endswith("_") else name
    )


class _Schema(msgspec.Struct, rename=_keyword, gc=False):
    type: Type | list[Type] | UnsetType = UNSET
    enum: list[Any] | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    format: str | UnsetType = UNSET
    deprecated: bool | UnsetType = UNSET
    readOnly: bool | UnsetType = UNSET
    writeOnly: bool | UnsetType = UNSET
    examples: list[Any] | UnsetType = UNSET
    properties: dict[str, Sub] | UnsetType = UNSET
    required: list[str] | UnsetType = UNSET
    additionalProperties: Sub | UnsetType = UNSET
    patternProperties: dict[str, Sub] | UnsetType = UNSET
    propertyNames: Sub | UnsetType = UNSET
    minProperties: Count | UnsetType = UNSET
    maxProperties: Count | UnsetType = UNSET
    dependentRequired: dict[str, list[str]] | UnsetType = UNSET
    dependentSchemas: dict[str, Sub] | UnsetType = UNSET
    unevaluatedProperties: Sub | UnsetType = UNSET
    items: Sub | UnsetType = UNSET
    prefixItems: Subs | UnsetType = UNSET
    contains: Sub | UnsetType = UNSET
    unevaluatedItems: Sub | UnsetType = UNSET
    minItems: Count | UnsetType = UNSET
    maxItems: Count | UnsetType = UNSET
    minContains: Count | UnsetType = UNSET
    maxContains: Count | UnsetType = UNSET
    uniqueItems: bool | UnsetType = UNSET
    minimum: Number | UnsetType = UNSET
    maximum: Number | UnsetType = UNSET
    exclusiveMinimum: Number | UnsetType = UNSET
    exclusiveMaximum: Number | UnsetType = UNSET
    multipleOf: Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)] | UnsetType = UNSET
    minLength: Count | UnsetType = UNSET
    maxLength: Count | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    contentEncoding: str | UnsetType = UNSET
    contentMediaType: str | UnsetType = UNSET
    contentSchema: Sub | UnsetType = UNSET
    allOf: Subs | UnsetType = UNSET
    anyOf: Subs | UnsetType = UNSET
    oneOf: Subs | UnsetType = UNSET
    not_: Sub | UnsetType = UNSET
    if_: Sub | UnsetType = UNSET
    then: Sub | UnsetType = UNSET
    else_: Sub | UnsetType = UNSET
    ref_: str | UnsetType = UNSET
    defs_: dict[str, Sub] | UnsetType = UNSET
    id_: str | UnsetType = UNSET
    schema_: str | UnsetType = UNSET
    anchor_: str | UnsetType = UNSET
    comment_: str | UnsetType = UNSET


# The keywords under which further schemas stand.
_PARTS = tuple(name for name, annotation in _Schema.__annotations__.items() if "Sub" in str(annotation))


def check_schema(schema: dict[str, Any], param: str) -> None:
    """Raises InvalidRequest, naming the place under `param`, where `schema` is no JSON Schema."""
    try:
        fault = _fault(schema)
        if fault is not None:
            _explain(schema, param, fault)
    except RecursionError as error:
        raise InvalidRequest("This JSON Schema is nested too deeply.", param=param) from error


def _fault(schema: dict[str, Any]) -> str | None:
    """What speaks against it at first sight; None for a schema beyond doubt."""
    try:
        typed = msgspec.convert(schema, _Schema)
    except msgspec.ValidationError as error:
        return str(error)
    for pattern in _patterns(typed):
        try:
            re.compile(pattern)
        except re.error as error:
            return f"{pattern!r} is no regular expression: {error}"
    return None


def _patterns(schema: _Schema) -> Iterator[str]:
    waiting: list[Any] = [schema]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting.extend(cast("list[Any]", found))
        elif isinstance(found, dict):
            waiting.extend(cast("dict[str, Any]", found).values())
        elif isinstance(found, _Schema):
            if found.pattern is not UNSET:
                yield found.pattern
            if found.patternProperties is not UNSET:
                yield from found.patternProperties
            waiting.extend(getattr(found, name) for name in _PARTS)


def _explain(schema: dict[str, Any], param: str, fault: str) -> None:
    """Raises InvalidRequest with the reason, unless it is a schema after all."""
    if len(msgspec.json.encode(schema)) > _MOST_EXPLAINED_BYTES:
        raise InvalidRequest(f"This is no valid JSON Schema: {fault}.", param=param)
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        raise InvalidRequest(f"This is no valid JSON Schema: {error.message}.", param=param + path) from error
