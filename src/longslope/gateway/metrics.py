"""Prometheus figures of this process. Labels are models, operations and status classes: never keys,
users or text.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from longslope.engines.protocol import EngineState
from longslope.gateway.admission import Admission
from longslope.gateway.call import Call
from longslope.gateway.fleet import Fleet
from longslope.gateway.metering import Meter
from longslope.store.usage import UsageRow

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters fed by usage rows, and gauges read when Prometheus asks."""

    def __init__(self, fleet: Fleet, admission: Admission, meter: Meter) -> None:
        self._fleet = fleet
        self._admission = admission
        self._meter = meter
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "longslope_requests",
            "Requests that reached an engine",
            ["model", "operation", "status"],
            registry=self._registry,
        )
        self._tokens = Counter(
            "longslope_tokens", "Tokens metered", ["model", "kind"], registry=self._registry
        )
        self._first = Histogram(
            "longslope_first_byte_seconds",
            "Arrival to the engine's first byte",
            ["model"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._total = Histogram(
            "longslope_request_seconds",
            "Arrival to the engine's last byte",
            ["model"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(self)
        self._children: dict[tuple[str, str, int], _Series] = {}

    def request_ended(self, _call: Call, row: UsageRow) -> None:
        """Counts one request."""
        key = (row.model, row.operation, row.status // 100)
        series = self._children.get(key)
        if series is None:
            series = self._children[key] = self._series_of(*key)
        series.count(row)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the gauges are made when they are asked for."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The gauges, read now."""
        running = GaugeMetricFamily("longslope_requests_running", "Requests that hold a place")
        running.add_metric([], self._admission.running)
        waiting = GaugeMetricFamily("longslope_requests_waiting", "Requests in line for a place")
        waiting.add_metric([], sum(reading.waiting for reading in self._admission.reading().values()))
        backlog = GaugeMetricFamily("longslope_usage_backlog", "Usage rows that are not durable yet")
        backlog.add_metric([], self._meter.backlog)
        ready = GaugeMetricFamily("longslope_engine_ready", "1 while the engine answers", labels=["version"])
        for version, state in self._fleet.states().items():
            ready.add_metric([version], float(state is EngineState.READY))
        return [running, waiting, backlog, ready]

    def _series_of(self, model: str, operation: str, status_class: int) -> _Series:
        return _Series(
            requests=self._requests.labels(model, operation, f"{status_class}xx"),
            prompt=self._tokens.labels(model, "prompt"),
            cached=self._tokens.labels(model, "cached"),
            completion=self._tokens.labels(model, "completion"),
            first=self._first.labels(model),
            total=self._total.labels(model),
        )


class _Series(msgspec.Struct, frozen=True, kw_only=True):
    """The labelled figures of one model, operation and status class, looked up once."""

    requests: Counter
    prompt: Counter
    cached: Counter
    completion: Counter
    first: Histogram
    total: Histogram

    def count(self, row: UsageRow) -> None:
        self.requests.inc()
        self.prompt.inc(row.prompt_tokens)
        self.cached.inc(row.cached_tokens)
        self.completion.inc(row.completion_tokens)
        self.total.observe(row.total_us / 1e6)
        if row.first_us:
            self.first.observe(row.first_us / 1e6)
