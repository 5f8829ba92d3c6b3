"""Money as whole numbers: prices in millionths of the currency per million tokens, amounts in billionths."""

from __future__ import annotations

from decimal import Decimal

MICRO = 1_000_000
NANO = 1_000_000_000


def to_micro(amount: str) -> int:
    """A decimal text such as "0.30" in millionths."""
    return int(Decimal(amount) * MICRO)


def from_micro(micro: int) -> str:
    """Millionths as a decimal text without needless zeros."""
    return _plain(Decimal(micro) / MICRO)


def from_nano(nano: int) -> str:
    """Billionths as a decimal text without needless zeros."""
    return _plain(Decimal(nano) / NANO)


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
