"""What is kept of a request: by its project's policy, which a request may tighten and never loosen.

`none` keeps the usage row only, as `metadata` does today, and promises that later features leave it so;
`content` also keeps what was asked and answered.
"""

from __future__ import annotations

import msgspec
import structlog

from longslope.clock import clock
from longslope.errors import InvalidRequest
from longslope.gateway.call import Call
from longslope.store import contents
from longslope.store.contents import Content
from longslope.store.database import Store
from longslope.store.projects import Trace

log = structlog.get_logger(__name__)
_ORDER: tuple[Trace, ...] = ("none", "metadata", "content")


def trace_policy(project_policy: Trace, asked: str | None) -> Trace:
    """The policy of one request. `asked` is its X-Longslope-Trace header. Raises InvalidRequest."""
    if asked is None:
        return project_policy
    if asked not in _ORDER:
        raise InvalidRequest(f'X-Longslope-Trace is "{asked}"; it may be {", ".join(_ORDER)}.')
    return _ORDER[min(_ORDER.index(project_policy), _ORDER.index(asked))]


class ContentKeeper:
    """Writes prompts and answers of those requests whose policy is `content`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, call: Call, answer: bytes) -> None:
        """Keeps one request's content. A failure is logged: the answer itself is not held up by it."""
        content = Content(
            request_id=call.id,
            request=msgspec.json.encode(call.body).decode(),
            answer=answer.decode("utf-8", "replace"),
            created_ms=clock.now_ms(),
        )
        try:
            async with self._store.write() as connection:
                await contents.insert_contents(connection, [content])
        except Exception:
            log.exception("content_not_kept", request_id=call.id)
