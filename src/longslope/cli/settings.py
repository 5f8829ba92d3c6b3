"""`longslope settings`: what is in force, and why."""

from __future__ import annotations

from longslope.cli.home import AsJson, Home
from longslope.cli.table import print_table
from longslope.settings import load


def settings(*, home: Home = None, as_json: AsJson = False) -> None:
    """Shows each setting in force, and where its value came from.

    Defaults, then longslope.toml in the home, then LONGSLOPE_* variables, then
    flags; the later one wins. An unknown setting is an error that names the
    nearest known one.

        longslope settings
        LONGSLOPE_PORT=9000 longslope settings
        longslope settings --home /srv/longslope --json
    """
    rows = load({"home": home}).rows()
    if as_json:
        from longslope.cli.screen import print_json

        print_json([{"name": name, "value": value, "origin": origin} for name, value, origin in rows])
        return
    print_table(
        ("setting", "value", "from"), [(name, value or "(empty)", origin) for name, value, origin in rows]
    )
