"""Every failure in the one shape that the SDKs know, whoever raised it."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from longslope.api.body import wrong_value
from longslope.clock import new_id
from longslope.errors import BodyTooLarge, InvalidRequest, NotFound, PlatformError
from longslope.wire.errors import ErrorBody, ErrorDetail

log = structlog.get_logger(__name__)
REQUEST_ID_HEADER = "x-request-id"
_NO_BODY = "Object missing required field `data`"  # how the framework says that a body is absent


def request_id(scope: Any) -> str:
    """The id of the request of an ASGI scope, given to it on first use."""
    state = scope.setdefault("state", {})
    return state.get("longslope_request_id") or state.setdefault("longslope_request_id", new_id("req"))


def error_body(error: PlatformError, request_id: str) -> bytes:
    """The JSON of an error answer or of an error event in a stream."""
    detail = ErrorDetail(
        code=error.code, message=error.message, type=error.type, param=error.param, request_id=request_id
    )
    return msgspec.json.encode(ErrorBody(detail))


def error_headers(error: PlatformError, request_id: str) -> dict[str, str]:
    """The headers of an error answer. `x-should-retry` is what both SDKs obey."""
    headers = {REQUEST_ID_HEADER: request_id, "content-type": "application/json"}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after_s)))
    if not error.retryable:
        headers["x-should-retry"] = "false"
    return headers


def _respond(request: Request[Any, Any, Any], error: PlatformError) -> Response[bytes]:
    id_ = request_id(request.scope)
    return Response(error_body(error, id_), status_code=error.status, headers=error_headers(error, id_))


def platform_problem(request: Request[Any, Any, Any], error: PlatformError) -> Response[bytes]:
    """Answers for an error of ours."""
    return _respond(request, error)


def http_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answers for an error that the framework raised before a route was called."""
    problem = _translate(request, error)
    answer = _respond(request, problem)
    if allowed := (error.headers or {}).get("allow"):
        answer.headers["allow"] = allowed
    return answer


def unforeseen_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answers for a bug of ours: the log has the traceback, the caller an id to name."""
    id_ = request_id(request.scope)
    log.error("unforeseen_error", request_id=id_, path=request.scope["path"], exc_info=error)
    problem = PlatformError(
        f"The platform failed in a way it did not foresee. Name {id_} when you report it."
    )
    return _respond(request, problem)


class _MethodNotAllowed(PlatformError):
    """This path exists and does not answer this method."""

    status = 405
    code = "MethodNotAllowed"
    type = "invalid_request_error"


def _translate(request: Request[Any, Any, Any], error: HTTPException) -> PlatformError:
    if error.status_code == 404:
        return NotFound(
            f"There is nothing at {request.method} {request.scope['path']}. The API is described at /docs."
        )
    if error.status_code == 405:
        allowed = (error.headers or {}).get("allow", "other methods")
        return _MethodNotAllowed(f"{request.scope['path']} answers {allowed}, not {request.method}.")
    if error.status_code == 413:
        return _too_large(request)
    if error.status_code >= 500:
        return PlatformError(error.detail)
    if isinstance(cause := error.__cause__, msgspec.ValidationError):
        if str(cause) == _NO_BODY:
            return InvalidRequest("The request has no body. Send a JSON object.")
        return wrong_value(str(cause), dict(request.query_params), request.route_handler.signature_model)
    return InvalidRequest(_words_of(error), param=_param_of(error))


def _too_large(request: Request[Any, Any, Any]) -> BodyTooLarge:
    most = request.route_handler.resolve_request_max_body_size()
    length = request.headers.get("content-length")
    has = f"has {length} bytes" if length else f"has more than {most} bytes"
    return BodyTooLarge(
        f"The request's body {has}; at most {most} are accepted. Send less, or raise the setting "
        "max_body_bytes."
    )


def _words_of(error: HTTPException) -> str:
    details = [str(item.get("message")) for item in _extras(error)]
    return "; ".join(details) or error.detail


def _param_of(error: HTTPException) -> str | None:
    return next((str(item["key"]) for item in _extras(error) if item.get("key")), None)


def _extras(error: HTTPException) -> list[dict[str, Any]]:
    extra: Any = error.extra
    items = cast("list[Any]", extra) if isinstance(extra, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
