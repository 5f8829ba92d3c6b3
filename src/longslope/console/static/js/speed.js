// How fast tokens came.

const SHORTEST_MS = 50; // what comes within this was held back and sent at once, as engines do with tool calls

/** Tokens a second between the first and the last, which are `ms` apart; null where that says nothing. */
export function speed(tokens, ms) {
  return tokens > 1 && ms >= SHORTEST_MS ? ((tokens - 1) * 1000) / ms : null;
}
