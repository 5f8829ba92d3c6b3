"""What a request costs: exact to a billionth, never negative, and monotone."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.gateway.pricing import amount_nano
from longslope.money import MICRO, NANO
from longslope.store.prices import MOST_MICRO
from tests.integration.store import samples

micro = st.integers(0, MOST_MICRO)
tokens = st.integers(0, 10_000_000)


@given(micro, micro, micro, tokens, tokens, tokens)
def test_the_amount_is_tokens_times_price_to_half_a_billionth(
    input_: int, cached_input: int, output: int, prompt: int, cached: int, completion: int
) -> None:
    cached = min(cached, prompt)
    price = samples.price(input_micro=input_, cached_input_micro=cached_input, output_micro=output)
    per_token = [Fraction(each, MICRO * 1_000_000) for each in (input_, cached_input, output)]
    exact = sum(
        share * count for share, count in zip(per_token, (prompt - cached, cached, completion), strict=True)
    )
    assert abs(Fraction(amount_nano(price, prompt, cached, completion), NANO) - exact) <= Fraction(
        1, 2 * NANO
    )


@given(micro, micro, micro, tokens, tokens, tokens)
def test_it_is_never_negative_whatever_an_engine_counts(
    input_: int, cached_input: int, output: int, prompt: int, cached: int, completion: int
) -> None:
    price = samples.price(input_micro=input_, cached_input_micro=cached_input, output_micro=output)
    assert amount_nano(price, prompt, cached, completion) >= 0


@given(tokens, tokens, tokens)
def test_more_tokens_never_cost_less(prompt: int, cached: int, completion: int) -> None:
    cached = min(cached, prompt)
    price = samples.price()
    amount = amount_nano(price, prompt, cached, completion)
    assert amount_nano(price, prompt + 1, cached, completion) >= amount
    assert amount_nano(price, prompt, cached, completion + 1) >= amount


def test_without_a_price_it_costs_nothing() -> None:
    assert amount_nano(None, 1000, 10, 1000) == 0


@pytest.mark.parametrize(
    ("prompt", "cached", "completion", "nano"),
    [
        (1_000_000, 0, 0, 300_000_000),  # 0.30 for a million fresh tokens
        (1_000_000, 1_000_000, 0, 60_000_000),
        (0, 0, 1_000_000, 600_000_000),
        (1, 0, 0, 300),
        (10, 4, 3, 6 * 300 + 4 * 60 + 3 * 600),
        (0, 0, 0, 0),
    ],
)
def test_known_amounts(prompt: int, cached: int, completion: int, nano: int) -> None:
    assert amount_nano(samples.price(), prompt, cached, completion) == nano


@pytest.mark.parametrize(("tokens_", "nano"), [(499, 0), (500, 1), (1_499, 1), (1_500, 2)])
def test_halves_are_rounded_up(tokens_: int, nano: int) -> None:
    assert amount_nano(samples.price(input_micro=1), tokens_, 0, 0) == nano
