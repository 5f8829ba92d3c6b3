"""A server that speaks like a longslope, and misbehaves when the question says so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web


class FakeServer:
    """Keeps what it was asked. The last message's text chooses the answer."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.left = asyncio.Event()  # a client went away in mid-answer

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/v1/models", self._names)
        application.router.add_get("/platform/v1/models", self._models)
        application.router.add_post("/v1/chat/completions", self._chat)
        return application

    async def _names(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Authorization"))
        if request.headers.get("Authorization") != "Bearer ls-test":
            return _error(401, "There is no such API key here.")
        names = ["embedding", "mini", "lite", "mini@1", "ep-1"]
        return web.json_response(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
        )

    async def _models(self, request: web.Request) -> web.Response:
        kinds = {"embedding": "embedding", "mini": "chat", "lite": "chat"}
        models = [{"name": name, "kind": kind, "state": "ready"} for name, kind in kinds.items()]
        return web.json_response({"data": models})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        question = body["messages"][-1]["content"]
        if question == "refuse":
            return _error(400, "The prompt has 9000 tokens, and the context of mini has 8192.")
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await _send(answer, {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        try:
            await self._answer(answer, question, body)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        return answer

    async def _answer(self, answer: web.StreamResponse, question: str, body: dict[str, Any]) -> None:
        match question:
            case "fail":
                await _say(answer, "Half an ans")
                await _send(
                    answer, {"error": {"message": "The engine crashed. Ask again.", "code": "x", "type": "y"}}
                )
            case "break":
                await _say(answer, "Half an ans")
            case "endless":
                while True:
                    await _say(answer, "on and ")
                    await asyncio.sleep(0.01)
            case "steer":
                await _say(answer, "\x1b]0;owned\x07clean\n")
                await _end(answer)
            case _:
                await answer.write(b": ping\n\n")
                for word in (f"{body['model']} ", "hears ", f"“{question}”", "。"):
                    await _say(answer, word)
                await _end(answer)


async def _say(answer: web.StreamResponse, text: str) -> None:
    await _send(answer, {"choices": [{"index": 0, "delta": {"content": text}}]})


async def _end(answer: web.StreamResponse) -> None:
    await _send(
        answer, {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
    )
    await answer.write(b"data: [DONE]\n\n")


async def _send(answer: web.StreamResponse, chunk: dict[str, Any]) -> None:
    # In two writes, as networks cut where they like.
    frame = f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
    await answer.write(frame[:9])
    await answer.write(frame[9:])


def _error(status: int, message: str) -> web.Response:
    error = {"code": "InvalidParameter", "message": message, "type": "invalid_request_error", "param": None}
    return web.json_response({"error": error}, status=status)
