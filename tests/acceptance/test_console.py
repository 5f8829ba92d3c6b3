"""The console in a real Chromium, on a real platform with real models: what a newcomer does on day one."""

from __future__ import annotations

import json
import re
import shlex
import socket
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.server import Platform
from tests.services import CHROMIUM_ARGS, find_chromium

ANSWER_MS = 60_000  # a model on a busy machine
expect.set_options(timeout=20_000)
PAGES = [
    "/",
    *(f"/console/{name}" for name in ("models", "endpoints", "keys", "usage", "engines", "requests")),
    "/docs",
]


@pytest.fixture
async def console(page: Page) -> AsyncIterator[Page]:
    """A page on which no script and no missing file may write an error into the browser's console."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            errors.append(f"{message.type}: {message.text}")

    page.on("console", note)
    yield page
    assert errors == []


async def skip_the_welcome(page: Page) -> None:
    """What an earlier visit leaves behind."""
    await page.add_init_script("localStorage.setItem('longslope.welcomed', '1')")


async def ask(page: Page, prompt: str, answers: int) -> None:
    """Sends a prompt by keyboard and waits until every column has its figures."""
    await page.fill("#prompt", prompt)
    await page.press("#prompt", "Control+Enter")
    await expect(page.locator(".answer .picture")).to_have_count(answers, timeout=ANSWER_MS)
    await expect(page.locator(".column.busy")).to_have_count(0)


async def test_the_first_run_leads_to_the_first_answer(
    console: Page, start_platform: Callable[..., Platform]
) -> None:
    platform = start_platform(models=("mini",), engine_context=2048)
    await console.goto(platform.url)
    await expect(console).to_have_url(f"{platform.url}/console/welcome")
    await expect(console.get_by_role("radio", name="mini")).to_be_checked()
    await console.get_by_role("button", name="Ask").click()
    await expect(console.locator(".answer .picture")).to_be_visible(timeout=ANSWER_MS)
    await expect(console.locator(".answer-body")).not_to_be_empty()
    await console.get_by_role("link", name="Now compare models side by side").click()
    await expect(console.locator(".column")).to_have_count(1)
    await console.goto(platform.url)  # the welcome does not come again
    await expect(console.locator(".column")).to_have_count(1)


async def test_two_models_answer_one_prompt_side_by_side(console: Page, server: Platform) -> None:
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/?models=mini,lite")
    await console.fill("#parameter-max_tokens", "24")
    await console.fill("#parameter-system", "Answer in one sentence.")
    await ask(console, "Why is snow white?", answers=2)
    for name in ("mini", "lite"):
        column = console.get_by_role("region", name=name, exact=True)
        await expect(column.locator(".question")).to_contain_text("Why is snow white?")
        figures = column.locator(".answer-foot dl")
        for figure in ("First token", "Speed", "tok/s", "Total", "Tokens", "Price", "¥"):
            await expect(figures).to_contain_text(figure)
    await ask(console, "And ice?", answers=4)
    await console.reload()  # the tab keeps the conversation and what was set
    await expect(console.locator(".question")).to_have_count(4)
    await expect(console.locator("#parameter-max_tokens")).to_have_value("24")


async def test_an_answer_leads_to_its_way_through_the_gateway(
    console: Page, server: Platform, client: aiohttp.ClientSession
) -> None:
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/?models=mini")
    await console.fill("#parameter-max_tokens", "8")
    await ask(console, "Count to ten.", answers=1)
    await console.get_by_role("link", name="See the request").click()
    await expect(console.get_by_role("heading", name="Way through the gateway")).to_be_visible()
    await expect(console.locator(".steps-table tbody tr")).to_have_count(4)
    request_id = console.url.rpartition("/")[2]
    async with client.get(f"/platform/v1/requests/{request_id}") as answer:
        row = await answer.json()
    assert 0 < row["completion_tokens"] <= 8  # the model may be done sooner
    computed = await console.locator(".receipt tfoot td").last.get_attribute("data-computed")
    assert computed is not None
    assert Decimal(computed) == Decimal(row["price"]) > 0


async def test_stop_ends_an_answer_and_leaves_what_came(console: Page, server: Platform) -> None:
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/?models=mini")
    await console.fill("#prompt", "Write a very long story about a mountain.")
    await console.press("#prompt", "Control+Enter")
    await expect(console.locator(".answer-body p").first).to_have_text(
        re.compile(r"\w+ \w+"), timeout=ANSWER_MS
    )
    await console.get_by_role("button", name="Stop").click()
    await expect(console.locator(".answer-body")).to_contain_text("Stopped.")
    await expect(console.get_by_role("button", name="Send")).to_be_enabled()


async def test_a_request_is_copied_as_code(console: Page, server: Platform) -> None:
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/?models=lite")
    await console.fill("#prompt", "It's cold")
    await console.get_by_role("button", name="Copy as code").click()
    code = console.locator("dialog code")
    await expect(code).to_contain_text(f"curl {server.url}/v1/chat/completions")
    await console.get_by_role("tab", name="Python").click()
    await expect(code).to_contain_text("from openai import OpenAI")
    await console.get_by_role("tab", name="Ark SDK").click()
    await expect(code).to_contain_text(f'base_url="{server.url}/api/v3"')
    await expect(code).to_contain_text("It's cold")


async def test_an_unreadable_tools_box_is_named_and_nothing_is_sent(console: Page, server: Platform) -> None:
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/?models=mini")
    await console.fill("#parameter-tools", "[{]")
    await console.fill("#prompt", "Hello")
    await console.press("#prompt", "Control+Enter")
    await expect(console.locator("#parameter-tools")).to_have_attribute("aria-invalid", "true")
    await expect(console.locator("#notices")).to_contain_text("no valid JSON")
    await expect(console.locator("#prompt")).to_have_value("Hello")
    await expect(console.locator(".question")).to_have_count(0)


async def test_a_key_is_made_used_and_revoked(console: Page, server: Platform) -> None:
    await console.goto(f"{server.url}/console/keys")
    await console.get_by_role("button", name="New key").click()
    dialog = console.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("acceptance laptop")
    await dialog.get_by_label("mini", exact=True).check()
    await dialog.get_by_role("button", name="New key").click()
    secret = await console.locator("#secret").inner_text()
    await console.get_by_role("button", name="I have kept it").click()
    await expect(console.locator("#secret")).to_have_count(0)

    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        async with session.get("/v1/models") as answer:
            assert answer.status == 200
        row = console.get_by_role("row").filter(has_text="acceptance laptop")
        await expect(row).to_contain_text("active")
        await expect(row).to_contain_text("Models: mini")
        await row.get_by_role("button", name="Revoke").click()
        await console.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(row).to_contain_text("revoked")
        async with session.get("/v1/models") as answer:
            assert answer.status == 401


async def test_usage_is_seen_as_it_stands_in_the_store(
    console: Page, server: Platform, client: aiohttp.ClientSession
) -> None:
    body = {"model": "mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    async with client.post("/v1/chat/completions", json=body) as answer:
        assert answer.status == 200
    await console.goto(f"{server.url}/console/usage")
    await expect(console.locator("canvas")).to_be_visible()
    row = console.locator("main .panel > .table-frame tbody tr").filter(has_text="mini").first
    await expect(row).to_be_visible()
    async with client.get("/platform/v1/usage", params={"group_by": "model"}) as answer:
        groups = {group["keys"]["model"]: group for group in (await answer.json())["data"]}
    cells = await row.locator("td").all_inner_texts()
    assert int(cells[1].replace(",", "")) == groups["mini"]["requests"]
    assert int(cells[5].replace(",", "")) == groups["mini"]["completion_tokens"]
    exact = await row.locator("td span[title]").first.get_attribute("title")
    assert exact is not None
    assert Decimal(exact.split()[0]) == Decimal(groups["mini"]["price"])


async def test_an_endpoint_is_made_rebound_and_asked(console: Page, server: Platform) -> None:
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/console/endpoints")
    await console.locator("#make").click()
    await console.get_by_role("dialog").get_by_label("Name").fill("acceptance chat")
    await console.get_by_role("dialog").get_by_label("Version").select_option("lite@1")
    await console.get_by_role("dialog").get_by_role("button", name="New endpoint").click()
    row = console.get_by_role("row").filter(has_text="acceptance chat")
    await expect(row).to_contain_text("lite@1")
    await row.get_by_role("button", name="Rebind").click()
    await console.get_by_role("dialog").get_by_label("Version").select_option("mini@1")
    await console.get_by_role("dialog").get_by_role("button", name="Rebind").click()
    await expect(row).to_contain_text("mini@1")
    endpoint_id = await row.locator(".copyable").inner_text()
    await console.goto(f"{server.url}/?models={endpoint_id}")
    await console.fill("#parameter-max_tokens", "4")
    await ask(console, "Hello", answers=1)
    await console.goto(f"{server.url}/console/endpoints")
    await row.get_by_role("button", name="Remove").click()
    await console.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)


async def test_engines_are_shown_live(console: Page, server: Platform) -> None:
    await console.goto(f"{server.url}/console/engines")
    engines = console.locator(".engine")
    await expect(engines.filter(has_text="mini@1").first).to_contain_text("ready")
    before = await console.locator("#live").inner_text()
    await expect(console.locator("#live")).not_to_have_text(before)  # asked again, unbidden


async def test_the_api_page_leads_to_a_call_that_works(console: Page, server: Platform) -> None:
    await skip_the_welcome(console)
    await console.goto(server.url)
    await console.get_by_role("link", name="API").click()
    await expect(console).to_have_url(f"{server.url}/docs")
    shown = console.locator(".operation:visible")
    await console.fill("#filter", "no such thing")
    await expect(shown).to_have_count(0)
    await expect(console.get_by_text("No operation matches")).to_be_visible()
    await console.fill("#filter", "conversation POST /v1/")
    await expect(shown).to_have_count(1)
    await shown.locator("> summary").click()
    await expect(console).to_have_url(f"{server.url}/docs#create_chat_completion")
    await expect(shown.locator("li").filter(has_text="messages").first).to_contain_text("required")
    await shown.get_by_text("Message", exact=True).click()
    await expect(shown).to_contain_text('"assistant" | "developer"')
    line = await shown.locator(".code-block code").inner_text()
    words = shlex.split(line.replace("\\\n", ""))
    headers = dict(word.split(": ", 1) for at, word in enumerate(words) if words[at - 1] == "-H")
    assert headers["Authorization"] == "Bearer $LONGSLOPE_API_KEY"
    body = {**json.loads(words[words.index("-d") + 1]), "max_tokens": 4}
    async with (
        aiohttp.ClientSession(headers={**headers, **server.headers}) as session,
        session.post(words[1], json=body) as answer,
    ):
        assert 0 < (await answer.json())["usage"]["completion_tokens"] <= 4


async def test_an_operation_of_the_api_can_be_linked_to(console: Page, server: Platform) -> None:
    await console.goto(f"{server.url}/docs#revoke_key")
    await expect(console.locator(".operation[open]")).to_have_count(1)
    await expect(console.locator(".operation[open]")).to_contain_text("-X DELETE")
    await expect(console.locator("#revoke_key")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("path", "state"), [("/console/models", ".model .state"), ("/", ".introduction .state")]
)
async def test_a_model_that_gets_ready_is_seen_without_a_reload(
    console: Page, start_platform: Callable[..., Platform], path: str, state: str
) -> None:
    platform = start_platform(models=())
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))  # nobody listens yet, so that the upstream is down
        base_url = f"http://127.0.0.1:{door.getsockname()[1]}/v1"
        upstream = {"name": "theirs", "base_url": base_url, "model": "its-own"}
        async with (
            aiohttp.ClientSession(platform.url, headers=platform.headers) as session,
            session.post("/platform/v1/models/upstreams", json=upstream) as answer,
        ):
            assert answer.status == 201
        await skip_the_welcome(console)
        await console.goto(platform.url + path)
        await expect(console.locator(state)).to_have_text("down")
        runner = web.AppRunner(web.Application())  # that it knows no page is enough: it is there
        await runner.setup()
        await web.SockSite(runner, door).start()
        await expect(console.locator(state)).to_have_text("ready", timeout=ANSWER_MS)
        await runner.cleanup()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_every_page_fits_the_screen_in_both_languages(
    browser: Browser, server: Platform, language: str, width: int
) -> None:
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    context = await browser.new_context(
        viewport={"width": width, "height": 844}, locale=locale, color_scheme="dark"
    )
    page = await context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await skip_the_welcome(page)
    for path in [*PAGES, "/console/welcome", "/console/sign-in"]:
        await page.goto(server.url + path)
        await expect(page.locator("html")).to_have_attribute("lang", {"en": "en", "zh": "zh-Hans"}[language])
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert await page.locator(".problem").count() == 0, path
    await context.close()
    assert errors == []


async def test_language_theme_and_pages_are_at_the_keyboard(console: Page, server: Platform) -> None:
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/console/engines")
    await console.keyboard.press("?")
    await expect(console.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await console.keyboard.press("Escape")
    await expect(console.get_by_role("dialog")).to_have_count(0)
    await console.keyboard.press("g")
    await console.keyboard.press("k")
    await expect(console).to_have_url(f"{server.url}/console/keys")
    await console.keyboard.press("t")
    await expect(console.locator("html")).to_have_attribute("data-theme", "light")
    await console.keyboard.press("l")
    await expect(console.get_by_role("heading", name="密钥", exact=True)).to_be_visible()
    await console.goto(f"{server.url}/console/usage")  # both are remembered
    await expect(console.locator("html")).to_have_attribute("data-theme", "light")
    await expect(console.get_by_role("heading", name="用量", exact=True)).to_be_visible()


async def test_markup_in_an_answer_stays_text(console: Page, server: Platform) -> None:
    """The prompt is shown back, and so is whatever a model repeats of it: as text, never as elements."""
    await skip_the_welcome(console)
    await console.goto(f"{server.url}/?models=mini")
    await console.fill("#parameter-max_tokens", "4")
    await ask(console, "<img src=x onerror=alert(1)><b>bold</b>", answers=1)
    await expect(console.locator(".question")).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(console.locator(".log img, .log b")).to_have_count(0)


@pytest.fixture
async def elsewhere(browser: Browser) -> AsyncIterator[Page]:
    """A browser that reaches this machine by a name that is no loopback name, as a colleague's would."""
    args = [*CHROMIUM_ARGS, "--host-resolver-rules=MAP longslope.test 127.0.0.1"]
    colleagues = await browser.browser_type.launch(executable_path=find_chromium(), args=args)
    yield await colleagues.new_page(locale="en-US")
    await colleagues.close()


async def test_who_comes_from_elsewhere_signs_in_with_a_key(elsewhere: Page, server: Platform) -> None:
    await skip_the_welcome(elsewhere)
    address = server.url.replace("127.0.0.1", "longslope.test")
    await elsewhere.goto(f"{address}/console/keys")
    await expect(elsewhere).to_have_url(f"{address}/console/sign-in?next=%2Fconsole%2Fkeys")
    await elsewhere.fill("#key", "ls-wrong")
    await elsewhere.get_by_role("button", name="Sign in").click()
    await expect(elsewhere.get_by_role("alert")).to_contain_text("ls-wro")
    await elsewhere.fill("#key", server.admin_key)
    await elsewhere.get_by_role("button", name="Sign in").click()
    await expect(elsewhere).to_have_url(f"{address}/console/keys")
    await expect(elsewhere.locator("#who")).to_contain_text("Admin")
    await elsewhere.get_by_role("button", name="Sign out").click()
    await expect(elsewhere).to_have_url(f"{address}/console/sign-in")
    await elsewhere.goto(address)
    await expect(elsewhere).to_have_url(f"{address}/console/sign-in?next=%2F")
