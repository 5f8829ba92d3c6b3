// One question to one model: streams the answer into a message and measures it as the user felt it.

import { ApiError, get, send } from "../api.js";
import { addDelta, events } from "../stream.js";

/**
 * Sends `body` and fills `message` while the answer comes; `onChange` is called after each piece. The measures end up
 * in `message.measures`: milliseconds from sending (`first`, `total`), tokens, and from the store price and currency.
 * Throws ApiError; an abort ends it quietly with `message.stopped`.
 */
export async function ask(body, message, { signal, onChange }) {
  const started = performance.now();
  const measures = (message.measures = { first: null, total: null });
  try {
    const response = await send("POST", "/v1/chat/completions", { body, signal });
    measures.requestId = response.headers.get("X-Request-Id");
    for await (const data of events(response.body)) {
      if (data === "[DONE]") break;
      take(JSON.parse(data), message, measures, started);
      onChange();
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    message.stopped = true;
  } finally {
    measures.total = performance.now() - started;
  }
  if (!message.stopped && measures.requestId) await addPrice(measures);
}

function take(chunk, message, measures, started) {
  if (chunk.error) throw new ApiError(502, { request_id: measures.requestId, ...chunk.error });
  const [choice] = chunk.choices ?? [];
  if (choice?.delta) {
    const { content, reasoning_content: reasoning, tool_calls: calls } = choice.delta;
    if (measures.first === null && (content || reasoning || calls))
      measures.first = performance.now() - started;
    addDelta(message, choice.delta);
  }
  if (choice?.finish_reason) measures.finish = choice.finish_reason;
  if (chunk.usage) {
    measures.prompt = chunk.usage.prompt_tokens;
    measures.cached = chunk.usage.prompt_tokens_details?.cached_tokens ?? 0;
    measures.completion = chunk.usage.completion_tokens;
  }
}

/** The price stands in the store before the answer's last byte is sent, so it can be asked for at once. */
async function addPrice(measures) {
  try {
    const { price, currency } = await get(`/requests/${encodeURIComponent(measures.requestId)}`);
    Object.assign(measures, { price, currency });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // the answer is whole; only its price stays unknown
  }
}
