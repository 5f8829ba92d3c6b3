"""The one shape of every error answer."""

from __future__ import annotations

import msgspec


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong, with which value, and what to do."""

    code: str
    message: str
    type: str
    param: str | None = None
    request_id: str | None = None


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer that is no success, and of an error event in a stream."""

    error: ErrorDetail
