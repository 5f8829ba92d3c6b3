"""The parts of the platform that routes call. Put together in `longslope.app`, nowhere else."""

from __future__ import annotations

from pathlib import Path

import msgspec

from longslope.catalog.snapshot import Catalog
from longslope.gateway.auth import Sessions
from longslope.gateway.fleet import Fleet
from longslope.gateway.gateway import Gateway
from longslope.gateway.metering import Meter
from longslope.gateway.metrics import Metrics
from longslope.settings import Effective
from longslope.store.database import Store


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a route may need. `admin_key_id` is the key that the console uses on loopback."""

    home: Path
    effective: Effective
    store: Store
    catalog: Catalog
    fleet: Fleet
    gateway: Gateway
    meter: Meter
    metrics: Metrics
    sessions: Sessions
    admin_key_id: str
    version: str
