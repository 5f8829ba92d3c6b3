"""Names of operations in the OpenAPI document, for routes that answer at OpenAI's and at Ark's path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar.types import OperationIDCreator


def operation_id_of(name: str) -> OperationIDCreator:
    """`name` under `/v1`, `ark_name` under Ark's `/api/v3`."""

    def create(_handler: Any, _method: Any, path: Sequence[Any]) -> str:
        return f"ark_{name}" if "api" in [str(part) for part in path] else name

    return create
