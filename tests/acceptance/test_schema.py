"""Schemathesis walks the OpenAPI document with data of every kind: no answer is a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case

from tests.server import Platform, start


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own, since everything in it is called at random."""
    running = start(tmp_path_factory.mktemp("schema"), ("mini",))
    yield running
    assert running.stop() == 0


@pytest.mark.timeout(600)
def test_nothing_makes_the_platform_fail(platform: Platform) -> None:
    schema = schemathesis.openapi.from_url(f"{platform.url}/docs/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        check(operation, platform)


def check(operation: Any, platform: Platform) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def holds(case: Case) -> None:
        answer = case.call(headers=platform.headers, timeout=60)
        assert answer.status_code < 500, f"{operation.label}: {answer.status_code} {answer.text}"
        if answer.status_code >= 400:
            error = answer.json()["error"]
            assert error["message"]
            assert [error["request_id"]] == answer.headers["x-request-id"]

    holds()
