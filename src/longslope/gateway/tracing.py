"""Traces, by OpenTelemetry's conventions for generative AI; off until `otlp_endpoint` is set.

A request's spans are made once it has ended, from the times it passed each stage: nothing is added to its
way. They join the caller's trace by its `traceparent`. Names, counts and times only: never what was said.
Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from longslope.errors import SettingsError
from longslope.gateway.call import Call
from longslope.store.usage import UsageRow

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_OPERATIONS = {"chat": "chat", "completions": "text_completion", "embeddings": "embeddings"}


class Tracer:
    """Sends one span for each request, with one below it for each stage."""

    def __init__(self, exporter: SpanExporter, version: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create({"service.name": "longslope", "service.version": version})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("longslope.gateway", version)
        self._propagator = TraceContextTextMapPropagator()

    def request_ended(self, call: Call, row: UsageRow) -> None:
        """Makes the spans of a request."""
        from opentelemetry import trace

        arrived = row.created_ms * 1_000_000
        ends = {"resolve": row.resolved_us, "admit": row.admitted_us, "engine": row.total_us}
        parent = self._propagator.extract({"traceparent": call.traceparent} if call.traceparent else {})
        operation = _OPERATIONS[row.operation]
        span = self._tracer.start_span(
            f"{operation} {row.model}",
            context=parent,
            kind=trace.SpanKind.SERVER,
            start_time=arrived,
            attributes=_attributes(call, row, operation),
        )
        start = arrived
        for stage, end_us in ends.items():
            end = arrived + end_us * 1000
            child = self._tracer.start_span(stage, context=trace.set_span_in_context(span), start_time=start)
            child.end(end)
            start = end
        if row.status >= 400:
            span.set_status(trace.StatusCode.ERROR, row.error_code)
        span.end(arrived + row.total_us * 1000)

    def close(self) -> None:
        """Sends what is left. Waits for the collector, so call it off the event loop."""
        self._provider.shutdown()


def open_tracer(endpoint: str, version: str) -> Tracer:
    """A tracer that sends to an OTLP collector's base URL over HTTP. Raises SettingsError without the
    extra.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise SettingsError(
            f"otlp_endpoint is {endpoint}, and OpenTelemetry is not installed. Install it with "
            "`pip install 'longslope[telemetry]'`, or leave otlp_endpoint empty.",
            param="otlp_endpoint",
        ) from error
    return Tracer(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"), version)


def _attributes(call: Call, row: UsageRow, operation: str) -> dict[str, str | int | float | bool | list[str]]:
    attributes: dict[str, str | int | float | bool | list[str]] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "longslope",
        "gen_ai.request.model": call.model,
        "gen_ai.response.model": row.version_id,
        "gen_ai.response.id": row.id,
        "gen_ai.usage.input_tokens": row.prompt_tokens,
        "gen_ai.usage.output_tokens": row.completion_tokens,
        "http.response.status_code": row.status,
        "longslope.project.id": row.project_id,
        "longslope.cached_tokens": row.cached_tokens,
        "longslope.engine": row.engine,
        "longslope.first_byte_ms": row.first_us / 1000,
    }
    if row.finish_reason:
        attributes["gen_ai.response.finish_reasons"] = [row.finish_reason]
    if row.error_code:
        attributes["error.type"] = row.error_code
    return attributes
