from __future__ import annotations

import random

from longslope.store.usage import COLUMNS, _Group
from tests.integration.store.samples import usage_row


def test_groups_claim_their_bills_in_one_order_so_that_gateways_never_wait_in_a_ring() -> None:
    chance = random.Random(2)
    rows = [usage_row(client_request_id=f"c-{n % 40}", project_id=f"proj-{n % 3}") for n in range(200)]
    orders = []
    for _ in range(5):
        chance.shuffle(rows)
        group = _Group(rows)
        orders.append([(project, client) for project, client, _request in group.claims])
        assert orders[-1] == group.asked
    assert len(orders[0]) == 120
    assert all(order == orders[0] for order in orders)


def test_text_that_any_database_holds_is_passed_on_untouched() -> None:
    row = usage_row(client_request_id="c" * 128, error_code="e" * 64, finish_reason="停")
    assert _Group([row]).rows == [row]
    assert COLUMNS[0] == "id"
