"""Logs: one line an event, for people on a terminal and as JSON everywhere else. Never prompts, never
secrets.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from longslope.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Sends every event, and the standard library's, to stderr in the form that the settings ask for."""
    level = getattr(logging, settings.log_level.upper())
    for_people = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    render: list[Any] = (
        # Plain tracebacks: the prettier ones show local variables, and so prompts and keys.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stderr, level=max(level, logging.WARNING), format="%(levelname)s %(name)s %(message)s"
    )
