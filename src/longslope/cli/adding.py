"""What `longslope models add` does: looks at a file or a server, and registers it."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.catalog import register
from longslope.catalog.family import FAMILY
from longslope.catalog.gguf import GgufFacts, inspect_gguf
from longslope.catalog.register import Kind
from longslope.catalog.secrets import Secrets
from longslope.catalog.weights import sha256_of
from longslope.cli.home import opened
from longslope.cli.screen import size, with_progress
from longslope.errors import InvalidRequest, WeightsError
from longslope.settings import Settings
from longslope.store import models, versions
from longslope.store.versions import Version

UPSTREAM_CONTEXT = 131_072
_UNKNOWN = "unknown"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A GGUF file to add. `context` is in tokens."""

    name: str
    path: Path
    kind: Kind | None
    parent: str | None
    context: int | None
    summary: str


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server to add. `context` is in tokens."""

    name: str
    url: str
    model: str
    kind: Kind
    context: int
    summary: str


def refuse_for_files(*, model: str | None, secret_env: str | None) -> None:
    """Raises InvalidRequest for what only servers have."""
    for option, value in (("--model", model), ("--secret-env", secret_env)):
        if value is not None:
            raise InvalidRequest(f"{option} belongs to a server (--url), not to a file. Leave it out.")


def refuse_for_servers(*, parent: str | None) -> None:
    """Raises InvalidRequest for what only files have."""
    if parent is not None:
        raise InvalidRequest(
            "--parent belongs to a file; nobody here knows what a server's model descends from."
        )


def secret_from(variable: str | None, *, no_secret: bool) -> str | None:
    """A server's secret: from a variable of the environment or typed unseen, never from the command line.

    Raises InvalidRequest for a variable that is not set. None where there is none, or nobody to ask.
    """
    if variable is not None:
        secret = os.environ.get(variable, "").strip()
        if not secret:
            raise InvalidRequest(f"--secret-env: the variable {variable} is not set. Export it first.")
        return secret
    if no_secret or not sys.stdin.isatty():
        return None
    return getpass.getpass("The server's secret (empty for none): ").strip() or None


async def add_file(settings: Settings, file: File) -> None:
    """Registers a GGUF file; one that is registered under this name already is left as it is."""
    path = file.path.expanduser().absolute()
    facts = _with_context(inspect_gguf(path), file)
    sha256 = with_progress(file.name, facts.bytes, lambda show: sha256_of(path, show))
    async with opened(settings) as store, store.write() as connection:
        version = await _same(connection, file.name, path, sha256)
        if version is None:
            if file.name in FAMILY:  # its own version comes first: the next start would else put it on top
                await register.register_family_model(connection, FAMILY[file.name])
            version = await register.register_weights(
                connection,
                name=file.name,
                kind=file.kind or _kind(facts),
                path=path,
                facts=facts,
                sha256=sha256,
                size=facts.bytes,
                summary=file.summary,
                independence=_UNKNOWN,
                parent=file.parent,
            )
    print(
        f"{version.id}: {facts.name or path.name} ({facts.architecture}, {facts.quantisation}, "
        f"{size(facts.bytes)}, {version.context_length:,} tokens of context), served from {path}"
    )


async def _same(connection: AsyncConnection, name: str, path: Path, sha256: str) -> Version | None:
    """The version that this very file is already, so that adding it twice changes nothing."""
    model = await models.find_model(connection, name)
    if model is None or model.removed_ms is not None:
        return None
    known = await versions.list_versions(connection, name)
    return next((each for each in known if each.sha256 == sha256 and each.weights == str(path)), None)


async def add_server(settings: Settings, server: Server, secret: str | None) -> None:
    """Registers a server, and keeps its secret in the home."""
    _check(server)
    secret_name = register.secret_name_of(server.name, server.url) if secret else None
    async with opened(settings) as store, store.write() as connection:
        version = await register.register_upstream(
            connection,
            name=server.name,
            kind=server.kind,
            base_url=server.url,
            upstream_model=server.model,
            secret_name=secret_name,
            context_length=server.context,
            capacity=256,
            summary=server.summary,
            independence=_UNKNOWN,
        )
        if secret and secret_name:  # before the commit: whoever sees the version finds its secret
            Secrets(settings.home).put(secret_name, secret)
    print(
        f"{version.id}: {server.model} at {server.url.rstrip('/')}. "
        f"Try it: longslope chat --model {server.name}"
    )


def _check(server: Server) -> None:
    parts = urlsplit(server.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest(f"--url is {server.url!r}; write it like https://example.com/v1.", param="url")
    if parts.username or parts.password:
        raise InvalidRequest(
            "--url holds a password. Leave it out and give the secret with --secret-env VARIABLE."
        )
    if not server.model:
        raise InvalidRequest(f"--model is missing: how does {parts.hostname} call the model?", param="model")


def _with_context(facts: GgufFacts, file: File) -> GgufFacts:
    if file.context is not None:
        return msgspec.structs.replace(facts, context_length=file.context)
    if facts.context_length == 0:
        raise WeightsError(f"{file.path} does not say how long its context is. Say it with --context TOKENS.")
    return facts


def _kind(facts: GgufFacts) -> Kind:
    """Encoders (bert, nomic-bert, jina-bert-v2, …) make embeddings; everything else writes."""
    return "embedding" if "bert" in facts.architecture else "chat"
