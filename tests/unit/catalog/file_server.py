"""A file server on loopback that misbehaves as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """`files` by path. The other fields say how the next answers go wrong; `asked` is every (path, Range)."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    cuts: list[int] = field(default_factory=list[int])  # bytes after which the next connections are cut
    statuses: list[int] = field(default_factory=list[int])  # the next answers are these errors
    continues: bool = True  # honours Range
    shift: int = 0  # continues so many bytes from where it was asked to
    says_length: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list[tuple[str, str | None]])
    stalls: list[int] = field(
        default_factory=list[int]
    )  # bytes after which the next answers wait for `released`
    released: threading.Event = field(default_factory=threading.Event)
    before_answer: Callable[[str], None] = lambda path: None

    def ranges(self) -> list[str | None]:
        return [wanted for _, wanted in self.asked]


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            server.before_answer(self.path)
            if server.statuses:
                return self.send_error(server.statuses.pop(0))
            content = server.files.get(self.path.partition("?")[0])
            if content is None:
                return self.send_error(404)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.continues else 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            start += server.shift if start else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if self.path.endswith(".html"):
                self.send_header("Content-Type", "text/html")
            if server.says_length:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            if server.stalls:
                self.wfile.write(body[: server.stalls.pop(0)])
                server.released.wait(60)
                return
            self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class _Listening(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that left in the middle is what these tests are about


@contextmanager
def serving() -> Generator[FileServer]:
    """A running file server."""
    state = FileServer()
    listening = _Listening(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.released.set()
    listening.shutdown()
    thread.join()
    listening.server_close()
