from __future__ import annotations

import hashlib
import re

from longslope.store.keys import hash_secret, hint, new_secret


def test_a_secret_is_240_random_bits_behind_its_prefix() -> None:
    secrets = {new_secret() for _ in range(500)}
    assert len(secrets) == 500
    assert all(re.fullmatch(r"ls-[A-Za-z0-9_-]{40}", secret) for secret in secrets)


def test_a_hint_shows_too_little_to_guess_the_rest() -> None:
    secret = new_secret()
    assert hint(secret) == secret[:9]


def test_any_text_has_a_hash() -> None:
    assert hash_secret("ls-x") == hashlib.sha256(b"ls-x").hexdigest()
    assert len({hash_secret(text) for text in ("", "钥匙", "\ud800", "\x00")}) == 4
