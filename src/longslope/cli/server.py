"""A running longslope, as a client sees it over HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, TypeVar

import aiohttp
import msgspec

from longslope.engines.sse import FrameSplitter, error_of, is_done, payload
from longslope.errors import CallFailed
from longslope.wire.errors import ErrorBody

_CONNECT_S = 5.0
_READ_S = 300.0  # the server itself gives up sooner, and sends a sign of life every few seconds


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = True


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation to continue."""

    model: str
    messages: list[Message]
    max_tokens: int | msgspec.UnsetType = msgspec.UNSET
    stream: bool = True
    stream_options: _StreamOptions = _StreamOptions()


class Piece(msgspec.Struct, frozen=True):
    """A piece of an answer as it comes: of the text, or of the reasoning before it."""

    text: str = ""
    reasoning: str = ""


class Usage(msgspec.Struct, frozen=True):
    """What the server counted."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: Usage | None = None


class _Card(msgspec.Struct):
    id: str


class _Cards(msgspec.Struct):
    data: list[_Card]


class _Model(msgspec.Struct):
    name: str
    kind: str = "chat"
    state: str = "ready"


class _Models(msgspec.Struct):
    data: list[_Model]


_Shape = TypeVar("_Shape")
_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class Server:
    """A longslope at `address`, called with `key`. Every failure is a CallFailed in the server's words."""

    def __init__(self, address: str, key: str, session: aiohttp.ClientSession) -> None:
        self.address = address
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session = session

    async def names(self) -> list[str]:
        """Every name that may stand for a model: models, versions, endpoints."""
        return [card.id for card in (await self._get("/v1/models", _Cards)).data]

    async def chat_models(self) -> list[str]:
        """The models that chat, those first whose engine is ready."""
        models = await self._get("/platform/v1/models", _Models)
        talking = [model for model in models.data if model.kind == "chat"]
        return [model.name for model in sorted(talking, key=lambda model: model.state != "ready")]

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece | Usage]:
        """The answer to a conversation, piece by piece, and at its end what was counted."""
        async with self._call("POST", "/v1/chat/completions", msgspec.json.encode(prompt)) as response:
            splitter = FrameSplitter()
            async for chunk in response.content.iter_any():
                for frame in splitter.feed(chunk):
                    if is_done(frame):
                        return
                    for piece in _pieces(frame):
                        yield piece
        raise CallFailed("The answer broke off: the server closed the connection before its end. Ask again.")

    async def _get(self, path: str, shape: type[_Shape]) -> _Shape:
        async with self._call("GET", path, None) as response:
            return msgspec.json.decode(await response.read(), type=shape)

    @asynccontextmanager
    async def _call(
        self, method: str, path: str, body: bytes | None
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        headers = {**self._headers, "Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, self.address + path, data=body, headers=headers
            ) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.read(), self.address)
                yield response
        except aiohttp.ClientConnectorError as error:
            raise CallFailed(
                f"No longslope answers at {self.address} ({_reason(error.os_error)}). Start one "
                "with `longslope up`, or name its address with --url or LONGSLOPE_ADDRESS."
            ) from error
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            reason = str(error) or type(error).__name__
            raise CallFailed(f"The connection to {self.address} failed: {reason}. Ask again.") from error
        except msgspec.DecodeError as error:
            raise CallFailed(
                f"{self.address} does not answer like a longslope: {error}. Check --url."
            ) from error


@asynccontextmanager
async def connected(address: str, key: str) -> AsyncGenerator[Server]:
    """A server whose connections are closed at the end."""
    timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S, sock_read=_READ_S)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=True) as session:
        yield Server(address, key, session)


def _pieces(frame: bytes) -> list[Piece | Usage]:
    error = error_of(frame)
    if error is not None:
        raise CallFailed(str(error.get("message") or error))
    chunk = _decode_chunk(payload(frame))
    found: list[Piece | Usage] = [
        Piece(choice.delta.content or "", choice.delta.reasoning_content or "") for choice in chunk.choices
    ]
    if chunk.usage is not None:
        found.append(chunk.usage)
    return found


def _reason(error: OSError) -> str:
    """The system's own words: aiohttp's and asyncio's hold the address once more."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def _refusal(status: int, body: bytes, address: str) -> CallFailed:
    try:
        return CallFailed(msgspec.json.decode(body, type=ErrorBody).error.message)
    except msgspec.DecodeError:
        return CallFailed(f"{address} answers HTTP {status}, and not like a longslope. Check --url.")
