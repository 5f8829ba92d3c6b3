"""What a request costs: tokens times the price in force, in whole billionths of the currency."""

from __future__ import annotations

from longslope.store.prices import Price


def amount_nano(price: Price | None, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> int:
    """The amount in billionths of the currency, rounded half up.

    Prices are millionths of the currency per million tokens, so one token's share is that many trillionths
    (1e-12).
    """
    if price is None:
        return 0
    fresh = max(prompt_tokens - cached_tokens, 0)
    trillionths = (
        fresh * price.input_micro
        + cached_tokens * price.cached_input_micro
        + completion_tokens * price.output_micro
    )
    return (trillionths + 500) // 1000
