"""The whole HTTP surface as one Litestar application."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException

from longslope.api.body import BEFORE_BODY, JsonRequest
from longslope.api.caller import identify_caller
from longslope.api.completions import completion_routes
from longslope.api.description import Document, openapi_config, well_known_route
from longslope.api.health import health_routes
from longslope.api.models import model_routes
from longslope.api.parts import Parts
from longslope.api.platform.endpoints import endpoint_routes
from longslope.api.platform.engines import engine_routes
from longslope.api.platform.keys import key_routes
from longslope.api.platform.models import model_routes as catalog_routes
from longslope.api.platform.prices import price_routes
from longslope.api.platform.projects import project_routes
from longslope.api.platform.requests import request_routes
from longslope.api.platform.session import session_routes
from longslope.api.platform.usage import usage_routes
from longslope.api.problems import http_problem, platform_problem, unforeseen_problem
from longslope.errors import PlatformError

_ROUTES = (
    completion_routes,
    model_routes,
    health_routes,
    project_routes,
    key_routes,
    catalog_routes,
    endpoint_routes,
    price_routes,
    usage_routes,
    request_routes,
    engine_routes,
    session_routes,
)


def create_application(parts: Parts, pages: list[Any]) -> Litestar:
    """The application; `pages` are the console's routes."""
    handlers = [handler for routes in _ROUTES for handler in routes(parts)]
    document = Document()
    return Litestar(
        route_handlers=[*handlers, well_known_route(document), *pages],
        exception_handlers={
            PlatformError: platform_problem,
            HTTPException: http_problem,
            Exception: unforeseen_problem,
        },
        request_class=JsonRequest,
        opt={BEFORE_BODY: partial(identify_caller, parts=parts)},
        request_max_body_size=parts.effective.settings.max_body_bytes,
        openapi_config=openapi_config(parts.version, document),
        logging_config=None,
        etag=None,
    )
