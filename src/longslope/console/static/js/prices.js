// How a price or cost is shown.

import { money } from "./format.js";

const EXACT = 12; // digits: prices are shown whole

/** "¥0.30 / ¥0.12 / ¥0.60" for input, cached input and output, per million tokens. */
export function priceText(price) {
  if (!price) return "—";
  return [price.input, price.cached_input, price.output]
    .map((amount) => money(amount, price.currency, EXACT))
    .join(" / ");
}
