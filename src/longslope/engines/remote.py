"""A server of OpenAI's protocol, reached over HTTP: the one client under every engine.

One pooled aiohttp session a server. A request is bytes, an answer is bytes or a flow of frames; every failure
becomes an engine error of `longslope.errors`. Closing or cancelling a call closes its TCP connection at once,
which is how a server learns that nobody waits any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import NoReturn
from weakref import WeakSet

import aiohttp
import msgspec
from yarl import URL

from longslope.engines import sse
from longslope.engines.refusals import refusal, refusal_in_stream
from longslope.errors import EngineFault, EngineTimeout, EngineUnavailable

MAX_ANSWER_BYTES = 256 * 1024 * 1024
_MAX_REFUSAL_BYTES = 64 * 1024
_DRAIN_S = 1.0


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait, in seconds, for: a connection, a stream's first byte, its next, a whole answer."""

    connect_s: float = 5.0
    first_byte_s: float = 300.0
    idle_s: float = 120.0
    whole_s: float = 1_800.0


class _Answer(msgspec.Struct):
    choices: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: dict[str, object] | str | None = None


_decode_answer = msgspec.json.Decoder(_Answer).decode


class Remote:
    """A server at a base URL.

    `engine` is the name that its errors carry. Idle connections are kept for `keepalive_s` seconds; those
    that carried a stream are kept only with `keep_after_stream`.
    """

    def __init__(
        self,
        engine: str,
        *,
        timeouts: Timeouts,
        headers: Mapping[str, str],
        keepalive_s: float = 15.0,
        keep_after_stream: bool = True,
    ) -> None:
        self._engine = engine
        self._timeouts = timeouts
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
        self._keepalive_s = keepalive_s
        self._keep_after_stream = keep_after_stream
        self._stream_headers = None if keep_after_stream else {"Connection": "close"}
        self._base_url = ""
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None
        self._responses: WeakSet[aiohttp.ClientResponse] = WeakSet()

    def point_at(self, base_url: str) -> None:
        """Sends all later calls to `base_url`."""
        self._base_url = base_url.rstrip("/")
        self._urls = {}

    async def close(self) -> None:
        """Closes every connection; calls under way fail as unavailable."""
        session, self._session = self._session, None
        if session is None:
            return
        for response in list(self._responses):  # closing the session leaves those who read from one waiting
            response.content.set_exception(aiohttp.ClientConnectionError("closed by the platform"))
        await session.close()

    async def whole(self, path: str, payload: bytes) -> bytes:
        """Posts `payload` and gives the answer's JSON once it is known to be an answer."""
        body = await self.post(path, payload, self._timeouts.whole_s)
        self._check(body)
        return body

    async def post(self, path: str, payload: bytes, timeout_s: float) -> bytes:
        """Posts `payload` and gives a 2xx answer's body, whatever it holds."""
        return await self._post(self._url(path), payload, timeout_s)

    async def post_outside(self, url: str, payload: bytes, timeout_s: float) -> bytes:
        """As `post`, to a URL that does not lie under the base URL."""
        return await self._post(URL(url), payload, timeout_s)

    async def status(self, path: str, timeout_s: float) -> int:
        """The HTTP status of a GET, whatever it is. Raises only when there is no answer."""
        status, _, _ = await self._exchange("GET", self._url(path), None, timeout_s)
        return status

    async def stream(self, path: str, payload: bytes) -> AsyncGenerator[bytes]:
        """Posts `payload` and yields the answer's frames, `[DONE]` last.

        Raises an engine error before the first frame where the server refuses, and after frames were yielded
        where it stops, sends an error, or ends without finishing.
        """
        response = await self._open_stream(path, payload)
        splitter = sse.FrameSplitter()
        wait_s = self._timeouts.first_byte_s
        finished = False
        try:
            while chunk := await self._read(response, wait_s):
                wait_s = self._timeouts.idle_s
                for frame in splitter.feed(chunk):
                    if sse.is_done(frame):
                        yield sse.DONE
                        if self._keep_after_stream:
                            await _drain(response)
                        return
                    self._check_frame(frame)
                    finished = finished or sse.has_finish(frame)
                    yield frame
            if not finished or splitter.rest():
                raise EngineUnavailable(
                    f"engine {self._engine} ended its stream before the answer was finished; retry"
                )
            yield sse.DONE
        finally:
            response.close()

    def _url(self, path: str) -> URL:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = URL(self._base_url + path)
        return url

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=self._keepalive_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                skip_auto_headers=("User-Agent",),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._timeouts.connect_s),
            )
        return self._session

    async def _post(self, url: URL, payload: bytes, timeout_s: float) -> bytes:
        status, headers, body = await self._exchange("POST", url, payload, timeout_s)
        if status // 100 != 2:
            raise refusal(self._engine, status, headers, body)
        return body

    async def _exchange(
        self, method: str, url: URL, payload: bytes | None, timeout_s: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        session = self._session or self._open_session()
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(timeout_s):
                response = await session.request(method, url, data=payload, allow_redirects=False)
                self._responses.add(response)
                body = await self._read_all(response)
        except BaseException as failure:
            if response is not None:
                response.close()
            self._raise_for(failure, f"answer within {timeout_s:g} s")
        return response.status, response.headers, body

    async def _open_stream(self, path: str, payload: bytes) -> aiohttp.ClientResponse:
        session = self._session or self._open_session()
        response: aiohttp.ClientResponse | None = None
        wait_s = self._timeouts.first_byte_s
        try:
            async with asyncio.timeout(wait_s):
                response = await session.request(
                    "POST",
                    self._url(path),
                    data=payload,
                    headers=self._stream_headers,
                    allow_redirects=False,
                )
                self._responses.add(response)
                if response.status == 200 and response.content_type == "text/event-stream":
                    return response
                body = await self._read_all(response, _MAX_REFUSAL_BYTES)
        except BaseException as failure:
            if response is not None:
                response.close()
            self._raise_for(failure, f"begin to answer within {wait_s:g} s")
        if response.status // 100 != 2:
            raise refusal(self._engine, response.status, response.headers, body)
        self._check(body)  # an error in a 200 answer says more than the line below
        raise EngineFault(
            f"engine {self._engine} sent {response.content_type} where a stream was asked for; retry"
        )

    async def _read(self, response: aiohttp.ClientResponse, wait_s: float) -> bytes:
        try:
            async with asyncio.timeout(
                wait_s
            ):  # around the wait only: a slow reader is not the engine's fault
                return await response.content.readany()
        except (OSError, aiohttp.ClientError) as failure:
            self._raise_for(failure, f"send anything for {wait_s:g} s")

    async def _read_all(self, response: aiohttp.ClientResponse, most_bytes: int = MAX_ANSWER_BYTES) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := await response.content.readany():
            chunks.append(chunk)
            size += len(chunk)
            if size > most_bytes:
                raise EngineFault(
                    f"engine {self._engine} sent an answer larger than {most_bytes} bytes; ask for less"
                )
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _raise_for(self, failure: BaseException, expected: str) -> NoReturn:
        match failure:
            case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError():
                raise EngineUnavailable(f"engine {self._engine} cannot be reached; retry") from failure
            case TimeoutError():
                raise EngineTimeout(
                    f"engine {self._engine} did not {expected}; retry or ask for less"
                ) from failure
            case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
                raise EngineUnavailable(f"engine {self._engine} stopped while answering; retry") from failure
            case aiohttp.ClientError():
                raise EngineFault(
                    f"engine {self._engine} does not speak HTTP as it should; retry"
                ) from failure
            case _:
                raise failure

    def _check(self, body: bytes) -> None:
        try:
            answer = _decode_answer(body)
            body.decode()  # the decoder skips over text that it was not asked for
        except (msgspec.DecodeError, UnicodeDecodeError) as failure:
            raise EngineFault(f"engine {self._engine} sent no JSON answer; retry") from failure
        if answer.error:
            error = answer.error if isinstance(answer.error, dict) else {"message": answer.error}
            raise refusal_in_stream(self._engine, error)
        if answer.choices is msgspec.UNSET and answer.data is msgspec.UNSET:
            raise EngineFault(f"engine {self._engine} sent JSON that holds neither choices nor data; retry")

    def _check_frame(self, frame: bytes) -> None:
        if not (frame.startswith(b"data: {") and frame.endswith(b"}\n\n")):
            raise EngineFault(f"engine {self._engine} sent a stream frame that is no JSON object; retry")
        if error := sse.error_of(frame):
            raise refusal_in_stream(self._engine, error)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Reads to the body's end, so that the connection goes back to the pool instead of being closed."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while await response.content.readany():
                pass
    except (OSError, aiohttp.ClientError):
        return  # the answer is complete; only the connection's reuse is lost
