// Figures and times as the user's language writes them. Durations come in microseconds, times in milliseconds.

import { rounded } from "./decimal.js";
import { language, t } from "./page.js";

const locale = language === "zh" ? "zh-CN" : "en-GB";
const whole = new Intl.NumberFormat(locale);
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 });
const moment = new Intl.DateTimeFormat(locale, {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(locale, { year: "numeric", month: "short", day: "numeric" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

export const count = (number) => whole.format(number);
export const short = (number) => (Math.abs(number) < 10_000 ? whole.format(number) : compact.format(number));
export const time = (ms) => moment.format(ms);
export const date = (ms) => day.format(ms);

/** "3 minutes ago", "in 2 days". */
export function ago(ms, now = Date.now()) {
  const seconds = (ms - now) / 1000;
  const steps = [
    ["year", 31_536_000],
    ["month", 2_592_000],
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ];
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(Math.trunc(seconds), "second");
}

/** A duration in the unit that keeps it short: "840 µs", "12.3 ms", "1.42 s", "2 min 5 s". */
export function duration(us) {
  if (us < 1000) return `${us} µs`;
  if (us < 1_000_000) return `${significant(us / 1000)} ms`;
  if (us < 60_000_000) return `${significant(us / 1_000_000)} s`;
  return `${Math.floor(us / 60_000_000)} min ${Math.round((us % 60_000_000) / 1_000_000)} s`;
}

/** Seconds of uptime: "42 s", "3 h 12 min", "5 d 4 h". */
export function uptime(seconds) {
  if (seconds < 60) return t("shared.uptime_s", { s: Math.floor(seconds) });
  if (seconds < 3600)
    return t("shared.uptime_min", { min: Math.floor(seconds / 60), s: Math.floor(seconds % 60) });
  if (seconds < 86_400)
    return t("shared.uptime_h", { h: Math.floor(seconds / 3600), min: Math.floor((seconds % 3600) / 60) });
  return t("shared.uptime_d", { d: Math.floor(seconds / 86_400), h: Math.floor((seconds % 86_400) / 3600) });
}

export function bytes(size) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let power = 0;
  while (size >= 1000 && power < units.length - 1) {
    size /= 1000;
    power += 1;
  }
  return `${power ? significant(size) : size} ${units[power]}`;
}

/** Three significant digits, without the exponent that toPrecision may write. */
export const significant = (number) => String(Number(number.toPrecision(3)));

const SYMBOLS = { CNY: "¥", USD: "$", EUR: "€", GBP: "£", JPY: "¥" };

/** What stands before an amount: a sign, or the currency's code. */
export const symbol = (currency) => SYMBOLS[currency] ?? `${currency} `;

/** Money, rounded for reading: "¥0.0132". Small amounts keep three significant digits. */
export function money(amount, currency, digits = 3) {
  const figure = rounded(amount, digits);
  const sign = figure.startsWith("-") ? "−" : "";
  return `${sign}${symbol(currency)}${figure.replace("-", "")}`;
}
