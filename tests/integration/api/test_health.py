"""The platform's own state, as operators ask for it."""

import aiohttp


async def test_healthz_names_each_engine(client: aiohttp.ClientSession) -> None:
    async with client.get("/healthz") as answer:
        health = await answer.json()
    assert answer.status == 200
    assert health["status"] == "ok"
    assert {engine["version"]: engine["state"] for engine in health["engines"]} == {
        "mini@1": "ready",
        "lite@1": "ready",
        "embedding@1": "ready",
    }


async def test_metrics_hold_no_unbounded_labels(client: aiohttp.ClientSession) -> None:
    body = {"model": "mini", "messages": [{"role": "user", "content": "a secret word"}], "max_tokens": 2}
    async with client.post("/v1/chat/completions", json=body) as answer:
        assert answer.status == 200
        request_id = answer.headers["x-request-id"]
    async with client.get("/metrics") as answer:
        text = await answer.text()
    assert 'longslope_requests_total{model="mini",operation="chat",status="2xx"}' in text
    assert "secret" not in text
    assert request_id not in text
