"""What enters the gateway and what leaves it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from longslope.engines.protocol import Body, Operation
from longslope.gateway.auth import Identity
from longslope.store.projects import Trace


class Call(msgspec.Struct, kw_only=True):
    """One request for a model.

    `body` is the caller's JSON object with its values still encoded; `request` is the same, decoded and
    checked. `arrived_ns` is the monotonic clock's reading at arrival, from which all offsets count.
    """

    id: str
    identity: Identity
    operation: Operation
    model: str
    body: Body
    request: Any
    stream: bool = False
    include_usage: bool = False
    choices: int = 1
    client_request_id: str | None = None
    traceparent: str | None = None
    trace: Trace = "metadata"
    arrived_ms: int
    arrived_ns: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: whole as `body`, or as `frames` of server-sent events. Exactly one of them is set.

    A reply's usage is durable once `body` is there, or once the last frame has been given.
    """

    version: str
    body: bytes | None = None
    frames: AsyncGenerator[bytes] | None = None
