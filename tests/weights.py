"""The real weights that tests use, pulled once into `.cache/models` of the checkout and verified at each use.

`LONGSLOPE_TEST_MODELS` names another folder, for a machine that has them already.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from longslope.catalog.family import FAMILY
from longslope.catalog.weights import pull

_CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("LONGSLOPE_TEST_MODELS") or _CHECKOUT / ".cache" / "models")


def weights_of(name: str) -> Path:
    """The verified weights of a family model."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return pull(FAMILY[name].weights, CACHE)


def lay_weights(home: Path, names: Sequence[str]) -> None:
    """Puts weights and their proofs into a home, as hard links where the file system allows it."""
    models = home / "models"
    models.mkdir(parents=True, exist_ok=True)
    for name in names:
        weights = weights_of(name)
        for file in (weights, *weights.parent.glob(f"{weights.name}.*")):
            target = models / file.name
            if file.is_file() and not target.exists():
                try:
                    os.link(file, target)
                except OSError:
                    target.symlink_to(file)


@pytest.fixture(scope="session")
def mini_gguf() -> Path:
    """The weights of `mini`."""
    return weights_of("mini")


@pytest.fixture(scope="session")
def lite_gguf() -> Path:
    """The weights of `lite`."""
    return weights_of("lite")
