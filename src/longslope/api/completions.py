"""Chat completions, text completions and embeddings, under `/v1` and under `/api/v3`."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from longslope.api.answer import GatewayAnswer
from longslope.api.caller import identify_caller
from longslope.api.operation_ids import operation_id_of
from longslope.api.parts import Parts
from longslope.api.problems import request_id
from longslope.clock import clock
from longslope.engines.protocol import Operation
from longslope.errors import InvalidRequest
from longslope.gateway.auth import Identity, require
from longslope.gateway.call import Call
from longslope.gateway.privacy import trace_policy
from longslope.wire.answers import ChatCompletion, EmbeddingList, TextCompletion
from longslope.wire.chat import ChatRequest, CompletionRequest
from longslope.wire.embeddings import EmbeddingRequest

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_MOST_CLIENT_ID = 128


def completion_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """The routes that reach a model."""
    settings = parts.effective.settings

    async def answer(
        request: Request[Any, Any, Any],
        operation: Operation,
        data: ChatRequest | CompletionRequest | EmbeddingRequest,
    ) -> GatewayAnswer:
        arrived_ns = time.monotonic_ns()
        identity = identify_caller(request, parts)
        require(identity, "developer")
        call = _call(request, identity, operation, data, await request.body(), arrived_ns)
        return GatewayAnswer(
            parts.gateway, call, heartbeat_s=settings.heartbeat_s, send_timeout_s=settings.send_timeout_s
        )

    @post(
        ["/v1/chat/completions", "/api/v3/chat/completions"],
        status_code=200,
        responses={200: _answered(ChatCompletion, "The answer, or server-sent chunks of it")},
        tags=["models"],
        operation_id=operation_id_of("create_chat_completion"),
    )
    async def create_chat_completion(request: Request[Any, Any, Any], data: ChatRequest) -> GatewayAnswer:
        """Answers a conversation."""
        return await answer(request, "chat", data)

    @post(
        "/v1/completions",
        status_code=200,
        responses={200: _answered(TextCompletion, "The answer, or server-sent chunks of it")},
        tags=["models"],
        operation_id=operation_id_of("create_completion"),
    )
    async def create_completion(request: Request[Any, Any, Any], data: CompletionRequest) -> GatewayAnswer:
        """Continues a text."""
        return await answer(request, "completions", data)

    @post(
        ["/v1/embeddings", "/api/v3/embeddings"],
        status_code=200,
        responses={200: _answered(EmbeddingList, "One embedding for each input")},
        tags=["models"],
        operation_id=operation_id_of("create_embeddings"),
    )
    async def create_embeddings(request: Request[Any, Any, Any], data: EmbeddingRequest) -> GatewayAnswer:
        """Turns texts into vectors."""
        return await answer(request, "embeddings", data)

    return [create_chat_completion, create_completion, create_embeddings]


def _answered(answer: type[msgspec.Struct], description: str) -> ResponseSpec:
    """How an answer is described; without the random examples that Litestar would make up."""
    return ResponseSpec(answer, generate_examples=False, description=description)


def _call(
    request: Request[Any, Any, Any],
    identity: Identity,
    operation: Operation,
    data: ChatRequest | CompletionRequest | EmbeddingRequest,
    body: bytes,
    arrived_ns: int,
) -> Call:
    client_id = request.headers.get("x-client-request-id")
    if client_id is not None and not 1 <= len(client_id) <= _MOST_CLIENT_ID:
        raise InvalidRequest(
            f"X-Client-Request-Id has {len(client_id)} characters; it may have 1 to {_MOST_CLIENT_ID}."
        )
    streams = not isinstance(data, EmbeddingRequest) and bool(data.stream)
    options = None if isinstance(data, EmbeddingRequest) else data.stream_options
    return Call(
        id=request_id(request.scope),
        identity=identity,
        operation=operation,
        model=data.model,
        body=_decode_fields(body),
        request=data,
        stream=streams,
        include_usage=bool(options and options.include_usage),
        choices=1 if isinstance(data, EmbeddingRequest) else data.n or 1,
        client_request_id=client_id,
        traceparent=request.headers.get("traceparent"),
        trace=trace_policy(identity.project.trace, request.headers.get("x-longslope-trace")),
        arrived_ms=clock.now_ms(),
        arrived_ns=arrived_ns,
    )
