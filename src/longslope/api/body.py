"""Request bodies: decoded from bytes straight to the type that a route asks for, strictly, and an account of
what is wrong with those that cannot be.

msgspec tells where a wrong value lies and what was expected there; the value itself, and what might stand in
its place, are looked up here, so that the message holds all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, cast

import msgspec
from litestar import Request
from litestar.types import Empty
from msgspec import inspect

from longslope.errors import InvalidRequest, nearest

_PLACE = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\.\.\.\]")
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$")
_NAMES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_NAME = re.compile(r"\b(str|int|float|bool)\b")
_SECRET = frozenset(("secret", "key"))  # fields whose values are never repeated
_MOST_SHOWN = 60
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")

_Step = str | int | None  # a field, a place in a list, or any value of an object whose keys are free
_decode_anything = msgspec.json.Decoder().decode


BEFORE_BODY = "before_body"  # the option of a route, or of all: a function of the request


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body becomes the route's `data` without a detour over dictionaries.

    Its body is not read before the route's option `before_body` has let it pass: a stranger's megabytes
    are nobody's business.
    """

    async def body(self) -> bytes:
        """The body as it came. Raises what `before_body` raises."""
        if self._body is Empty and (check := self.route_handler.opt.get(BEFORE_BODY)) is not None:
            check(self)
        return await super().body()

    async def json(self) -> Any:
        """The body as the type of the route's `data`. Raises InvalidRequest."""
        field = self.route_handler.parsed_data_field
        return decode_body(await self.body(), Any if field is None else field.annotation)


def decode_body(body: bytes, type_: Any) -> Any:
    """`body` as `type_`. Raises InvalidRequest naming the field, its value, and what may stand there.

    Fields that the type does not name are checked to be JSON too, as they travel on to engines.
    """
    try:
        decoded = _decoder(type_).decode(body)
        _decode_anything(body)
    except msgspec.ValidationError as error:
        raise wrong_value(str(error), _decode_or_unset(body), type_) from error
    except RecursionError as error:
        raise InvalidRequest("The request's JSON is nested too deeply. Send a flatter one.") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The request's body is no valid UTF-8: {error.reason}.") from error
    except msgspec.DecodeError as error:
        half = " It holds half a surrogate pair." if _HALF_PAIR.search(body) else ""
        raise InvalidRequest(f"The request's body is no valid JSON: {error}.{half}") from error
    return decoded


def wrong_value(told: str, whole: Any, type_: Any) -> InvalidRequest:
    """The error for what msgspec `told` of `whole`, which should have been a `type_`.

    `whole` is UNSET where it cannot be decoded at all (a number beyond all bounds).
    """
    found = _PLACE.search(told)
    text = told[: found.start()] if found else told
    steps = list(_steps(found[1])) if found else []
    where = "" if steps[:1] == [None] else _written(steps)
    expected = _along(inspect.type_info(type_), steps)
    if missing := _MISSING.match(text):
        field = f"{where}.{missing[1]}".lstrip(".")
        return InvalidRequest(f"{field} is missing; it is required.", param=field)
    if unknown := _UNKNOWN.match(text):
        known = _fields(expected)
        field, hint = f"{where}.{unknown[1]}".lstrip("."), nearest(unknown[1], known)
        return InvalidRequest(f"There is no field {field}.{hint} Known are {', '.join(known)}.", param=field)
    value = _value(whole, steps)
    subject = f"{where} is {_shown(value, steps)}" if where else "The request's body is not as it should be"
    if text.startswith("Invalid enum value") and (choices := _choices(expected)):
        hint = nearest(str(value), choices)
        return InvalidRequest(f"{subject}; it may be {', '.join(choices)}.{hint}", param=where or None)
    words = _NAME.sub(lambda name: _NAMES[name[1]], text.replace("`", "")).rstrip(".")
    return InvalidRequest(f"{subject}: {words[:1].lower()}{words[1:]}.", param=where or None)


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def _decode_or_unset(body: bytes) -> Any:
    try:
        return _decode_anything(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.UNSET


def _steps(path: str) -> Iterator[_Step]:
    for field, place in _STEP.findall(path):
        yield field or (int(place) if place else None)


def _written(steps: Iterable[_Step]) -> str:
    """A path as users write it: `messages[0].role`."""
    parts = (
        "[…]" if step is None else f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps
    )
    return "".join(parts).removeprefix(".")


def _value(whole: Any, steps: Iterable[_Step]) -> Any:
    """What stands at a place; UNSET where that cannot be told."""
    value = whole
    for step in steps:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return msgspec.UNSET
    return value


def _shown(value: Any, steps: Sequence[_Step]) -> str:
    if value is msgspec.UNSET or steps[-1] in _SECRET:
        return "wrong"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _along(kind: inspect.Type, steps: Iterable[_Step]) -> inspect.Type | None:
    """The type that is expected at a place."""
    found: inspect.Type | None = kind
    for step in steps:
        found = next(filter(None, (_next(each, step) for each in _members(found))), None)
    return found


def _next(kind: inspect.Type, step: _Step) -> inspect.Type | None:
    match kind:
        case inspect.StructType():
            return next((field.type for field in kind.fields if field.encode_name == step), None)
        case inspect.ListType():
            return kind.item_type
        case inspect.DictType():
            return kind.value_type
        case _:
            return None


def _members(kind: inspect.Type | None) -> tuple[inspect.Type, ...]:
    if kind is None:
        return ()
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _fields(kind: inspect.Type | None) -> list[str]:
    structs = [each for each in _members(kind) if isinstance(each, inspect.StructType)]
    return [field.encode_name for struct in structs for field in struct.fields]


def _choices(kind: inspect.Type | None) -> list[str]:
    literals = [each for each in _members(kind) if isinstance(each, inspect.LiteralType)]
    return [str(choice) for literal in literals for choice in cast("tuple[Any, ...]", literal.values)]
