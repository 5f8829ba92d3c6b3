"""Traces, received by a real OTLP collector on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.server import Platform

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, asyncio.Queue[ExportTraceServiceRequest]]]:
    received: asyncio.Queue[ExportTraceServiceRequest] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        received.put_nowait(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(body=b"", content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", received
    await runner.cleanup()


async def test_a_request_is_one_trace_without_its_content(
    start_platform: Callable[..., Platform],
    collector: tuple[str, asyncio.Queue[ExportTraceServiceRequest]],
) -> None:
    address, received = collector
    platform = await asyncio.to_thread(start_platform, otlp_endpoint=address)
    headers = {**platform.headers, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    body = {"model": "mini", "messages": [{"role": "user", "content": "a secret word"}], "max_tokens": 3}
    async with (
        aiohttp.ClientSession(platform.url, headers=headers) as session,
        session.post("/v1/chat/completions", json=body) as answer,
    ):
        assert answer.status == 200
    export = await asyncio.wait_for(received.get(), 60)
    spans = {span.name: span for scope in export.resource_spans[0].scope_spans for span in scope.spans}
    assert set(spans) == {"chat mini", "resolve", "admit", "engine"}
    root = spans["chat mini"]
    assert root.trace_id.hex() == TRACE
    assert all(span.parent_span_id == root.span_id for name, span in spans.items() if name != "chat mini")
    assert spans["engine"].end_time_unix_nano >= spans["engine"].start_time_unix_nano
    attributes = {item.key: item.value for item in root.attributes}
    assert attributes["gen_ai.usage.output_tokens"].int_value == 3
    assert attributes["gen_ai.response.model"].string_value == "mini@1"
    assert b"secret" not in export.SerializeToString()
    assert await asyncio.to_thread(platform.stop) == 0
