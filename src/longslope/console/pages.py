"""The console's routes: pages without any of the platform's data, and the static files that fill them.

A page is an empty frame in the user's language and theme; its ES module then asks the public API, as any
client would, with the session's cookie. So the pages themselves hold nothing to steal. A browser on the
platform's own machine gets that cookie together with the page; another one without it is led to the page that
asks for a key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from longslope.console.assets import PREFIX, Assets, read_assets, serve
from longslope.console.texts import LANGUAGES, Texts, choose_language, of_tables, read_texts
from longslope.errors import NotFound

AnyRequest = Request[Any, Any, Any]
LocalSession = Callable[[AnyRequest], Cookie | None]

SIGN_IN = "/console/sign-in"
SESSION_COOKIE = "longslope_session"  # the API's; only whether there is one matters here
LANGUAGE_COOKIE = "longslope_language"
THEME_COOKIE = "longslope_theme"
THEMES = ("light", "dark")

# Nothing inline, nothing foreign, no text turned into markup: a model's answer never becomes code.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Page(msgspec.Struct, frozen=True):
    """A page: its path, and its name, which is that of its template, its module and its table of words.

    `borrowed` names the tables of other pages whose words its modules use too.
    """

    path: str
    name: str
    borrowed: tuple[str, ...] = ()


# The navigation's order; the key after `g` that leads there.
NAVIGATION = (
    (Page("/", "playground"), "p"),
    (Page("/console/models", "models"), "m"),
    (Page("/console/endpoints", "endpoints"), "e"),
    (Page("/console/keys", "keys"), "k"),
    (Page("/console/usage", "usage"), "u"),
    (Page("/console/engines", "engines"), "n"),
    (Page("/console/requests", "requests"), "r"),
    (Page("/docs", "docs"), "a"),
)
PAGES = (
    *(page for page, _ in NAVIGATION),
    Page("/console/requests/{request_id:str}", "request"),
    Page("/console/welcome", "welcome", borrowed=("keys",)),
    Page(SIGN_IN, "sign_in"),
)


def console_routes(local_session: LocalSession) -> list[HTTPRouteHandler]:
    """The handlers of all pages and static files.

    `local_session` gives the cookie that signs in a browser on the platform's own machine, and None for any
    other, which is then asked for a key.
    """
    assets, languages, templates = read_assets(), read_texts(), _environment()
    handlers = [_page_handler(page, templates, assets, languages, local_session) for page in PAGES]
    return [*handlers, _static_handler(assets)]


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("longslope.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page_handler(
    page: Page,
    templates: Environment,
    assets: Assets,
    languages: dict[str, Texts],
    local_session: LocalSession,
) -> HTTPRouteHandler:
    template = templates.get_template(f"{page.name}.html")
    tables = ("shared", "states", page.name, *page.borrowed)
    words_of_page = {language: of_tables(texts, tables) for language, texts in languages.items()}

    @get(page.path, name=f"console_{page.name}", include_in_schema=False, sync_to_thread=False)
    def show(request: AnyRequest) -> Response[str]:
        cookies = request.cookies
        session = local_session(request)
        if session is None and SESSION_COOKIE not in cookies and page.path != SIGN_IN:
            return _to_sign_in(request)
        language = choose_language(cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))
        theme = cookies.get(THEME_COOKIE)
        body = template.render(
            page=page,
            navigation=NAVIGATION,
            base=assets.base,
            language=language,
            lang=LANGUAGES[language],
            theme=theme if theme in THEMES else "system",
            is_local=session is not None,
            t=languages[language].__getitem__,
            words=words_of_page[language],
        )
        return Response(
            body,
            media_type="text/html",
            headers=SECURITY_HEADERS,
            cookies=[session] if session else None,
        )

    return show


def _to_sign_in(request: AnyRequest) -> Response[str]:
    url = request.url
    query = urlencode({"next": f"{url.path}?{url.query}" if url.query else url.path})
    return Response(
        "", status_code=303, headers={"Location": f"{SIGN_IN}?{query}", "Cache-Control": "no-store"}
    )


def _static_handler(assets: Assets) -> HTTPRouteHandler:
    @get(f"{PREFIX}/{{path:path}}", name="console_static", include_in_schema=False, sync_to_thread=False)
    def static(request: AnyRequest) -> Response[bytes]:
        path, headers = str(request.path_params["path"]), request.headers
        served = serve(assets, path, headers.get("if-none-match"), headers.get("accept-encoding", ""))
        if served is None:
            raise NotFound(f'The console has no file "{path}". Reload the page.', param="path")
        return Response(
            served.body, status_code=served.status, media_type=served.media_type, headers=served.headers
        )

    return static
