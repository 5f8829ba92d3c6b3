from __future__ import annotations

import pytest

from longslope.errors import NotFound
from longslope.store.contents import Content, get_content, insert_contents
from longslope.store.database import Store


async def test_what_was_said_is_kept_as_it_was_said(store: Store) -> None:
    said = Content(
        request_id="req-1", request='{"messages":["你好\\u0000"]}', answer="data: …\n\n", created_ms=1
    )
    big = Content(request_id="req-2", request="长" * 1_000_000, answer="", created_ms=2)
    async with store.write() as connection:
        await insert_contents(connection, [said, big])
        await insert_contents(connection, [])
        await insert_contents(connection, [Content(request_id="req-1", request="", answer="", created_ms=3)])
    async with store.read() as connection:
        assert await get_content(connection, "req-1") == said
        assert await get_content(connection, "req-2") == big
        with pytest.raises(NotFound, match='trace is "content"'):
            await get_content(connection, "req-3")


async def test_what_a_database_cannot_hold_is_replaced(store: Store) -> None:
    odd = Content(request_id="req-1", request="a\x00b", answer="\ud800", created_ms=1)
    async with store.write() as connection:
        await insert_contents(connection, [odd])
        kept = await get_content(connection, "req-1")
    assert (kept.request, kept.answer) == ("a\ufffdb", "\ufffd")
