"""A body to begin with for each operation that takes one: the least that does something sensible.

They stand in the OpenAPI document as examples, and so in the lines to copy on the page at /docs.
"""

from __future__ import annotations

from typing import Any

FIRST_BODIES: dict[str, dict[str, Any]] = {
    "create_chat_completion": {
        "model": "lite",
        "messages": [{"role": "user", "content": "Why is snow white?"}],
    },
    "create_completion": {"model": "lite", "prompt": "Snow is white because", "max_tokens": 40},
    "create_embeddings": {"model": "embedding", "input": ["a long slope", "thick snow"]},
    "tokenize": {"model": "lite", "text": "a long slope and thick snow"},
    "create_project": {"name": "shop", "max_concurrency": 8},
    "change_project": {"max_concurrency": 16},
    "create_key": {"name": "my laptop", "role": "developer"},
    "add_upstream": {
        "name": "big",
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "its-name-there",
        "secret": "what it asks for",
    },
    "add_weights": {"name": "mine", "path": "/srv/models/mine.gguf"},
    "create_endpoint": {"name": "shop chat", "version": "lite"},
    "bind_endpoint": {"version": "lite@1"},
    "create_price": {
        "model": "lite",
        "side": "price",
        "input": "0.30",
        "cached_input": "0.12",
        "output": "0.60",
        "currency": "CNY",
    },
    "sign_in": {"key": "ls-…"},
}
