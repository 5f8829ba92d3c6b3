"""What is kept of a request: a request may tighten its project's policy and never loosen it."""

from __future__ import annotations

import pytest

from longslope.errors import InvalidRequest
from longslope.gateway.privacy import trace_policy
from longslope.store.projects import TRACES, Trace


@pytest.mark.parametrize("project", TRACES)
@pytest.mark.parametrize("asked", [None, *TRACES])
def test_the_stricter_of_the_two_holds(project: Trace, asked: Trace | None) -> None:
    found = trace_policy(project, asked)
    assert TRACES.index(found) <= TRACES.index(project)
    assert found == min(project, asked or project, key=TRACES.index)


@pytest.mark.parametrize("asked", ["", "all", "NONE", "none ", "content\n"])
def test_a_policy_that_is_none_is_refused(asked: str) -> None:
    with pytest.raises(InvalidRequest, match="none, metadata, content"):
        trace_policy("content", asked)
