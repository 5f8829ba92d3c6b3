// Money as the API gives it: decimal text. Sums and products are exact, on BigInt in units of 10^-12.

const PLACES = 12;
const UNIT = 10n ** BigInt(PLACES);

/** The text as a whole number of 10^-12. */
export function parse(text) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) throw new RangeError(`"${text}" is no decimal number`);
  const [, sign, whole, fraction = ""] = match;
  const units = BigInt(whole) * UNIT + BigInt(fraction.slice(0, PLACES).padEnd(PLACES, "0"));
  return sign ? -units : units;
}

/** A whole number of 10^-12 as the shortest text. */
export function text(units) {
  const sign = units < 0n ? "-" : "";
  const size = units < 0n ? -units : units;
  const fraction = String(size % UNIT)
    .padStart(PLACES, "0")
    .replace(/0+$/, "");
  return `${sign}${size / UNIT}${fraction ? `.${fraction}` : ""}`;
}

export const add = (...texts) => text(texts.reduce((sum, each) => sum + parse(each), 0n));

/** What `tokens` cost at `perMillion`. */
export const charge = (tokens, perMillion) => text((BigInt(tokens) * parse(perMillion)) / 1_000_000n);

/** Rounded for reading: at least two places, and as many more as show `digits` significant ones. */
export function rounded(value, digits = 3) {
  const units = parse(value);
  const size = units < 0n ? -units : units;
  if (size === 0n) return "0";
  const magnitude = String(size).length - PLACES; // 1 for 1–9, 0 for 0.1–0.9, -1 for 0.01–…
  const places = Math.min(PLACES, Math.max(2, digits - magnitude));
  const step = 10n ** BigInt(PLACES - places);
  const kept = ((size + step / 2n) / step) * step;
  const [whole, fraction = ""] = text(kept).split(".");
  return `${units < 0n ? "-" : ""}${whole}.${fraction.padEnd(2, "0")}`;
}
