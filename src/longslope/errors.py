"""Every error a user can meet, one class per kind.

A class's docstring is what the kind means; the instance's message says which value was wrong and what to
do about it. `status`, `code` and `type` follow what the Ark and OpenAI SDKs expect (HTTP status, Ark's
dotted code, OpenAI's type), so that both clients raise their own matching exception.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class PlatformError(Exception):
    """The platform failed in a way it did not foresee."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "InternalServiceError"
    type: ClassVar[str] = "server_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s


class InvalidRequest(PlatformError):
    """The request cannot be understood or asks for something impossible."""

    status = 400
    code = "InvalidParameter"
    type = "invalid_request_error"


class ContextLengthExceeded(InvalidRequest):
    """The prompt is longer than the model's context."""

    code = "context_length_exceeded"


class AuthenticationFailed(PlatformError):
    """No key, or a key that is not valid (unknown, expired or revoked)."""

    status = 401
    code = "AuthenticationError"
    type = "authentication_error"


class AccessDenied(PlatformError):
    """The key is valid and may not do this."""

    status = 403
    code = "AccessDenied"
    type = "permission_error"


class ModelNotOpen(AccessDenied):
    """The model exists and is not open to this key, or is not served here at present."""

    code = "ModelNotOpen"


class NotFound(PlatformError):
    """The thing named does not exist."""

    status = 404
    code = "NotFound"
    type = "not_found_error"


class ModelNotFound(NotFound):
    """No model, version or endpoint has this name."""

    code = "InvalidEndpointOrModel.NotFound"


class Conflict(PlatformError):
    """The thing named exists already, or is in a state that forbids this."""

    status = 409
    code = "Conflict"
    type = "conflict_error"


class BodyTooSlow(PlatformError):
    """The client sent its request too slowly."""

    status = 408
    code = "RequestTimeout"
    type = "invalid_request_error"


class BodyTooLarge(PlatformError):
    """The request body is larger than this platform accepts."""

    status = 413
    code = "RequestTooLarge"
    type = "invalid_request_error"


class RateLimited(PlatformError):
    """Too much at once: the project's places and its queue are taken."""

    status = 429
    code = "InflightBatchsizeExceeded"
    type = "rate_limit_error"
    retryable = True


class EngineUnavailable(PlatformError):
    """The engine is down, starting, or crashed before or while answering. Safe to retry."""

    status = 503
    code = "ServiceUnavailable"
    type = "server_error"
    retryable = True


class EngineTimeout(PlatformError):
    """The engine did not answer in time."""

    status = 504
    code = "GatewayTimeout"
    type = "server_error"
    retryable = True


class EngineFault(PlatformError):
    """The engine answered with something that is no answer."""

    status = 502
    code = "BadGateway"
    type = "server_error"
    retryable = True


class MeteringUnavailable(PlatformError):
    """Usage cannot be written durably, and too many rows are waiting; refused before any work was done."""

    status = 503
    code = "ServiceUnavailable"
    type = "server_error"
    retryable = True


class Draining(PlatformError):
    """The platform is shutting down and takes no new requests."""

    status = 503
    code = "ServiceUnavailable"
    type = "server_error"
    retryable = True


class SettingsError(PlatformError):
    """A setting is unknown or has an impossible value."""

    status = 400
    code = "InvalidParameter"
    type = "invalid_request_error"


class HomeInUse(PlatformError):
    """Another longslope runs on this home."""


class PortTaken(PlatformError):
    """The address to listen on is taken."""


class StoreTooNew(PlatformError):
    """The database was written by a newer longslope."""


class StoreDamaged(PlatformError):
    """The database cannot be read, or holds tables that are not longslope's."""


class BackupError(PlatformError):
    """A backup could not be made, or an archive cannot be restored."""


class WeightsError(PlatformError):
    """Weights could not be fetched, verified or understood."""

    status = 400
    code = "InvalidParameter"
    type = "invalid_request_error"


class CallFailed(PlatformError):
    """A call from the command line to a running longslope got no answer, or a refusal."""


class BenchmarkError(PlatformError):
    """A benchmark could not be run on this machine."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint ` Did you mean "x"?` for the closest of `known`, or an empty string when none is close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f' Did you mean "{found[0]}"?' if found else ""
