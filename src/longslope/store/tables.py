"""Every table, once. Migrations bring a database to this shape, on SQLite and on Postgres alike.

Conventions: ids are text with a prefix; times are milliseconds since the epoch in `*_ms`; durations are
microseconds in `*_us`; money is in billionths of the currency (`*_nano`), prices in millionths of the
currency per million tokens (`*_micro`); tokens and durations are 64 bits wide, as an upstream may claim any
number and a request may take an hour. What a user pays or is measured by is appended, never updated:
`prices`, `bindings`, `versions`, `usage`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Which longslope brought this database to which revision. Appended by every migration, in every later version
# too, so that an older program can say by name what it is too old for.
upgrades = Table(
    "upgrades",
    metadata,
    Column("revision", String(32), primary_key=True),
    Column("program", String(64), nullable=False),  # longslope's version
    Column("applied_ms", BigInteger, nullable=False),
)

# One row, `catalog`: raised by every change that a running gateway must notice; gateways poll it.
revisions = Table(
    "revisions",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("trace", String(16), nullable=False),  # "none" | "metadata" | "content"
    Column("max_concurrency", Integer, nullable=False),
    Column("max_queue", Integer, nullable=False),
    Column("queue_deadline_ms", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("archived_ms", BigInteger),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", String(40), ForeignKey("projects.id"), nullable=False),
    Column("name", String(128), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),  # the first characters, to recognise it by
    Column("role", String(16), nullable=False),  # "admin" | "developer" | "viewer"
    Column("allowed_models", Text, nullable=False),  # JSON list; empty means all
    Column("allowed_ips", Text, nullable=False),  # JSON list of addresses and networks; empty means all
    Column("expires_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Index(None, "project_id"),
)

models = Table(
    "models",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),  # "chat" | "embedding"
    Column("summary", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("removed_ms", BigInteger),
)

versions = Table(
    "versions",
    metadata,
    Column("id", String(80), primary_key=True),  # "mini@1"
    Column("model", String(64), ForeignKey("models.name"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("parent", String(80)),  # the version it descends from
    Column("origin", Text, nullable=False),  # where it came from, in words
    Column("independence", String(64), nullable=False),
    Column("engine", String(16), nullable=False),  # "llama" | "upstream"
    Column("weights", Text),  # file name under models/, or an absolute path
    Column("sha256", String(64)),
    Column("bytes", BigInteger),
    Column("context_length", Integer, nullable=False),
    Column("settings", Text, nullable=False),  # JSON: base_url, upstream model, secret's name, slots, …
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("model", "number"),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", String(40), primary_key=True),  # "ep-…"
    Column("name", String(128), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("removed_ms", BigInteger),
)
# A removed endpoint gives its name free.
Index(
    "uq_endpoints_name",
    endpoints.c.name,
    unique=True,
    sqlite_where=endpoints.c.removed_ms.is_(None),
    postgresql_where=endpoints.c.removed_ms.is_(None),
)

# What an endpoint leads to, from when on. The newest row is in force.
bindings = Table(
    "bindings",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("endpoint_id", String(40), ForeignKey("endpoints.id"), nullable=False),
    Column("version_id", String(80), ForeignKey("versions.id"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index(None, "endpoint_id"),
)

# Price: what the user pays. Cost: what it costs us. The newest row of a model and side is in force.
prices = Table(
    "prices",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("model", String(64), ForeignKey("models.name"), nullable=False),
    Column("side", String(8), nullable=False),  # "price" | "cost"
    Column("input_micro", BigInteger, nullable=False),
    Column("cached_input_micro", BigInteger, nullable=False),
    Column("output_micro", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index(None, "model", "side"),
)

usage = Table(
    "usage",
    metadata,
    Column("id", String(40), primary_key=True),  # the request's id
    Column("client_request_id", String(128)),
    Column("retry_of", String(40)),  # the earlier request that was billed for the same client_request_id
    Column("project_id", String(40), nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("endpoint_id", String(40)),
    Column("model", String(64), nullable=False),
    Column("version_id", String(80), nullable=False),
    Column("engine", String(96), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("status", Integer, nullable=False),  # HTTP status; 499 when the client left
    Column("error_code", String(64)),
    Column("finish_reason", String(32)),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("price_id", String(40)),
    Column("price_nano", BigInteger, nullable=False),
    Column("cost_id", String(40)),
    Column("cost_nano", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("created_ms", BigInteger, nullable=False),  # when the request arrived
    Column("resolved_us", BigInteger, nullable=False),  # offsets from arrival: known key and version,
    Column("admitted_us", BigInteger, nullable=False),  # a place taken,
    Column("first_us", BigInteger, nullable=False),  # the engine's first byte (0: none came),
    Column("total_us", BigInteger, nullable=False),  # the engine's last byte
    Index(None, "created_ms"),
    Index(None, "project_id", "created_ms"),
)

# Which request was billed for a client's request id: the guard against billing a retry twice.
billed = Table(
    "billed",
    metadata,
    Column("project_id", String(40), primary_key=True),
    Column("client_request_id", String(128), primary_key=True),
    Column("request_id", String(40), nullable=False),
    sqlite_with_rowid=False,  # the key is the table: half the pages to write for each request
)

# Prompts and answers, only of projects whose trace is "content".
contents = Table(
    "contents",
    metadata,
    Column("request_id", String(40), primary_key=True),
    Column("request", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
