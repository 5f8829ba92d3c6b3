"""How much of a bare engine's rate is left when its stream passes through the gateway.

The same engine program with the same orders runs twice: once as the gateway's child, once bare. Eight clients
stream from one and from the other in turns, each beginning in turn. The rate of each way is its best round,
as disturbances only ever slow a round down; the medians are kept beside.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence

import msgspec

from longslope.bench.child import Command, running
from longslope.bench.latencies import median
from longslope.bench.serving import serving
from longslope.bench.streams import StreamRound, StreamTarget, stream_round
from longslope.bench.workshop import Workshop
from longslope.catalog.family import FAMILY
from longslope.engines.cores import share_of_cores
from longslope.engines.llama_server import Orders
from longslope.settings import Settings

MODEL = "mini"
CLIENTS = 8
_END_TOKENS = (0, 2)  # <|endoftext|> and <|im_end|> of mini's vocabulary


class Streaming(msgspec.Struct, frozen=True, kw_only=True):
    """The rounds of both ways. `ratio_of_best` is gateway by bare engine; `slots` the engine's places."""

    model: str
    clients: int
    slots: int
    threads: int
    tokens_each: int
    direct: list[StreamRound]
    gateway: list[StreamRound]
    ratio_of_best: float
    ratio_of_medians: float


async def measure_streaming(
    workshop: Workshop, *, rounds: int, tokens: int, clients: int = CLIENTS
) -> Streaming:
    """Streams `rounds` times on both ways, `tokens` tokens to each client. All cores are the engine's."""
    async with serving(workshop, f"{MODEL},", engine_slots=clients) as platform:
        key = secrets.token_urlsafe(16)
        orders = _orders(workshop, key, clients)
        async with running(_engine_command(orders)) as engine:
            direct = StreamTarget(base_url=engine.ready[1], key=key, model=orders.alias, banned=_END_TOKENS)
            gateway = StreamTarget(
                base_url=f"http://127.0.0.1:{platform.port}",
                key=platform.key,
                model=MODEL,
                banned=_END_TOKENS,
            )
            results: dict[StreamTarget, list[StreamRound]] = {direct: [], gateway: []}
            for target in results:
                await stream_round(target, clients=clients, tokens=8, salt="warm")
            for number in range(rounds):
                for target in (direct, gateway) if number % 2 == 0 else (gateway, direct):
                    turn = await stream_round(target, clients=clients, tokens=tokens, salt=f"{number}.")
                    results[target].append(turn)
    return compare_rounds(
        results[direct], results[gateway], clients=clients, threads=orders.threads, tokens_each=tokens
    )


def compare_rounds(
    direct: Sequence[StreamRound],
    gateway: Sequence[StreamRound],
    *,
    clients: int,
    threads: int,
    tokens_each: int,
) -> Streaming:
    """The figures from both ways' rounds."""
    direct_rates = [turn.tokens_per_second for turn in direct]
    gateway_rates = [turn.tokens_per_second for turn in gateway]
    return Streaming(
        model=MODEL,
        clients=clients,
        slots=clients,
        threads=threads,
        tokens_each=tokens_each,
        direct=list(direct),
        gateway=list(gateway),
        ratio_of_best=round(max(gateway_rates) / max(direct_rates), 4),
        ratio_of_medians=round(median(gateway_rates) / median(direct_rates), 4),
    )


def _orders(workshop: Workshop, key: str, clients: int) -> Orders:
    """What the gateway orders of its own child, with a place for each client."""
    model = FAMILY[MODEL]
    return Orders(
        weights=str(workshop.models / model.weights.filename),
        alias=f"{MODEL}@1",
        key=key,
        context=min(model.context_length, Settings().engine_context),
        slots=clients,
        threads=share_of_cores(1),
        embedding=False,
        parent=os.getpid(),
    )


def _engine_command(orders: Orders) -> Command:
    return Command(
        name="the bare engine",
        arguments=[sys.executable, "-P", "-m", "longslope.engines.llama_server"],
        ready=r'\{"address":"(http://127\.0\.0\.1:\d+)"\}',
        orders=msgspec.json.encode(orders) + b"\n",
    )
