"""`longslope models`: the family, files and servers."""

from __future__ import annotations

import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from longslope.catalog.checksum import mark
from longslope.catalog.family import FAMILY
from longslope.catalog.snapshot import Catalog
from longslope.clock import clock
from longslope.store import endpoints
from longslope.store.database import Store
from longslope.store.endpoints import Binding, Endpoint
from tests.integration.cli.gguf_file import write_gguf
from tests.integration.cli.program import Program
from tests.integration.cli.terminal import Terminal

URL = "http://127.0.0.1:1/v1"


async def models_of(longslope: Program) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in (await longslope("models", "list", "--json")).json}


def lay(home: Path, name: str) -> Path:
    """Puts a file where a family model's weights belong, with the proof that they were verified."""
    weights = FAMILY[name].weights
    file = home / "models" / weights.filename
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"GGUF")
    mark(file, weights.sha256)
    return file


async def test_the_family_is_listed_before_anything_ran(longslope: Program, home: Path) -> None:
    listed = await models_of(longslope)
    assert list(listed) == list(FAMILY)
    assert not home.exists()
    lay(home, "mini")
    (home / "models" / FAMILY["lite"].weights.filename).write_bytes(b"GGUF")
    (home / "models" / ".partial" / FAMILY["pro"].weights.filename).mkdir(parents=True)
    listed = await models_of(longslope)
    states = {name: row["weights"] for name, row in listed.items()}
    assert states == {
        "mini": "pulled",
        "lite": "not verified",
        "pro": "partly pulled",
        "embedding": "not pulled",
    }
    assert listed["mini"]["version"] is None
    price = FAMILY["mini"].price
    amounts = [price.input, price.cached_input, price.output]
    assert listed["mini"]["price"] == amounts
    assert [listed[name]["served"] for name in FAMILY] == [True, True, False, True]
    table = (await longslope("models", "list")).done()
    assert "98.4 MB" in table
    assert f"{' / '.join(amounts)} CNY" in table


async def test_a_file_becomes_a_model_and_its_next_version(
    longslope: Program, home: Path, tmp_path: Path
) -> None:
    first = write_gguf(tmp_path / "first.gguf")
    assert "tiny@1: Tiny (llama" in (await longslope("models", "add", "tiny", "first.gguf")).done()
    assert "tiny@1" in (await longslope("models", "add", "tiny", first)).done()  # the same file: nothing new
    second = write_gguf(tmp_path / "second.gguf", context=4096)
    added = await longslope("models", "add", "tiny", second, "--parent", "tiny@1")
    assert "tiny@2" in added.done()
    assert "4,096 tokens" in added.out
    row = (await models_of(longslope))["tiny"]
    assert (row["version"], row["weights"], row["place"], row["served"]) == (
        "tiny@2",
        "here",
        str(second),
        True,
    )
    second.unlink()
    assert (await models_of(longslope))["tiny"]["weights"] == "missing"


async def test_an_encoder_is_for_embeddings_unless_one_says_otherwise(
    longslope: Program, tmp_path: Path
) -> None:
    file = write_gguf(tmp_path / "encoder.gguf", architecture="nomic-bert")
    (await longslope("models", "add", "encoder", file)).done()
    assert (await models_of(longslope))["encoder"]["kind"] == "embedding"
    refused = (await longslope("models", "add", "encoder", write_gguf(tmp_path / "chat.gguf"))).refused()
    assert "for embedding" in refused


async def test_a_version_added_to_the_family_comes_after_the_familys_own(
    longslope: Program, tmp_path: Path
) -> None:
    added = await longslope(
        "models", "add", "lite", write_gguf(tmp_path / "tuned.gguf"), "--parent", "lite@1"
    )
    assert "lite@2" in added.done()


async def test_a_file_that_is_no_model_is_refused(longslope: Program, home: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("not a model")
    silent = write_gguf(tmp_path / "silent.gguf", context=None)
    fine = write_gguf(tmp_path / "fine.gguf")
    refusals = {
        ("x", text): "no GGUF file",
        ("x", tmp_path / "absent.gguf"): "cannot be read",
        ("x", tmp_path): "cannot be read",
        ("x", silent): "--context",
        ("x", fine, "--parent", "lite@9"): 'no version "lite@9"',
        ("x y", fine): "no model name",
        ("x",): "--url URL",
        ("x", fine, "--url", URL): "either",
        ("x", fine, "--secret-env", "S"): "belongs to a server",
    }
    for arguments, said in refusals.items():
        assert said in (await longslope("models", "add", *arguments)).refused(), arguments
    assert "x" not in await models_of(longslope)
    assert "2,048" not in (await longslope("models", "add", "x", silent, "--context", "512")).done()


async def test_a_server_is_added_and_its_secret_is_kept_apart(
    longslope: Program, store: Store, home: Path
) -> None:
    catalog = await Catalog.open(store)
    added = await longslope(
        "models",
        "add",
        "big",
        "--url",
        f"{URL}/",
        "--model",
        "qwen",
        "--secret-env",
        "BIG_SECRET",
        BIG_SECRET="sk-1",
    )
    assert "big@1: qwen at http://127.0.0.1:1/v1" in added.done()
    version = (await catalog.refresh()).newest["big"]
    kept = home / "secrets.json"
    assert json.loads(kept.read_text()) == {version.settings["secret_name"]: "sk-1"}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert version.settings["base_url"] == URL
    assert b"sk-1" not in (home / "longslope.db").read_bytes()
    row = (await models_of(longslope))["big"]
    assert (row["weights"], row["place"]) == ("upstream", f"qwen at {URL}")


async def test_a_server_that_cannot_be_is_refused(longslope: Program, home: Path) -> None:
    refusals = {
        ("--url", URL): "--model is missing",
        ("--url", "127.0.0.1/v1", "--model", "q"): "https://example.com/v1",
        ("--url", "http://me:pw@host/v1", "--model", "q"): "--secret-env",
        ("--url", URL, "--model", "q", "--secret-env", "UNSET"): "UNSET is not set",
        ("--url", URL, "--model", "q", "--parent", "lite@1"): "belongs to a file",
    }
    for arguments, said in refusals.items():
        assert said in (await longslope("models", "add", "big", *arguments)).refused(), arguments
    bad_name = ("models", "add", "Ä", "--url", URL, "--model", "q", "--secret-env", "S")
    assert "no model name" in (await longslope(*bad_name, S="sk-1")).refused()
    assert not (home / "secrets.json").exists()


async def test_a_secret_is_typed_unseen(terminal: Callable[..., Awaitable[Terminal]], home: Path) -> None:
    screen = await terminal("models", "add", "big", "--url", URL, "--model", "qwen")
    await screen.expect("secret (empty for none): ")
    screen.press("sk-typed\n")
    await screen.expect("big@1")
    assert await screen.ended() == 0
    assert "sk-typed" not in screen.shown
    assert "sk-typed" in (home / "secrets.json").read_text()


async def test_to_remove_is_asked_for(
    longslope: Program, terminal: Callable[..., Awaitable[Terminal]], store: Store
) -> None:
    (await longslope("models", "add", "big", "--url", URL, "--model", "qwen")).done()
    async with store.write() as connection:
        now = clock.now_ms()
        await endpoints.insert_endpoint(connection, Endpoint(id="ep-1", name="shop", created_ms=now))
        binding = Binding(id="bind-1", endpoint_id="ep-1", version_id="big@1", created_ms=now)
        await endpoints.insert_binding(connection, binding)
    assert 'Did you mean "big"?' in (await longslope("models", "remove", "bigg", "--yes")).refused()
    assert "--yes" in (await longslope("models", "remove", "big")).refused()
    for answer, outcome in (("n", "Nothing was changed."), ("y", "big is removed.")):
        screen = await terminal("models", "remove", "big")
        await screen.expect("Remove big? ep-1 will lead to nothing. [y/N] ")
        screen.press(f"{answer}\n")
        await screen.expect(outcome)
        assert await screen.ended() == 0
    assert "big" not in await models_of(longslope)
    assert "removed already" in (await longslope("models", "remove", "big", "--yes")).done()
    assert "big@2" in (await longslope("models", "add", "big", "--url", URL, "--model", "q")).done()


async def test_to_pull_what_is_there_is_quick_and_names_the_file(longslope: Program, home: Path) -> None:
    file = lay(home, "mini")
    assert (await longslope("models", "pull", "mini")).done() == f"mini: {file} (4 B, verified)\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "No model is named"),
        (("liet",), 'Did you mean "lite"?'),
        (("mini", "--from", "hubb"), 'Did you mean "hub"?'),
        (("mini", "--from", "path"), "No source is set"),
    ],
)
async def test_what_cannot_be_pulled_says_why(
    arguments: tuple[str, ...], said: str, longslope: Program
) -> None:
    assert said in (await longslope("models", "pull", *arguments)).refused()


async def test_damaged_weights_are_not_taken(longslope: Program, tmp_path: Path, home: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / FAMILY["mini"].weights.filename).write_bytes(b"GGUF, but not these weights")
    ended = await longslope("models", "pull", "mini", "--from", stick)
    assert ended.status == 1
    assert "could not be had" in ended.err
    assert not (home / "models" / FAMILY["mini"].weights.filename).exists()
