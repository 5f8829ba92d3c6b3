// Usage as figures: the tiles on top and the table of groups with its totals. Money is summed exactly, per currency.

import { add } from "./decimal.js";
import { h } from "./dom.js";
import { count, money, short } from "./format.js";
import { t } from "./page.js";
import { table } from "./table.js";

const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);

/** Amounts of several currencies stand beside each other; they are never added up. */
function moneyOf(rows, name, digits) {
  const sums = new Map();
  for (const row of rows) sums.set(row.currency, add(sums.get(row.currency) ?? "0", row[name]));
  return [...sums].map(([currency, amount]) => money(amount, currency, digits)).join(" + ") || "—";
}

function tile(label, value, note = null) {
  return h(
    "div",
    { class: "tile" },
    h("dt", {}, label),
    h("dd", {}, value),
    note ? h("dd", { class: "tile-note" }, note) : null,
  );
}

/** The totals of all groups. */
export function tiles(groups) {
  const [requests, errors, prompt, cached] = ["requests", "errors", "prompt_tokens", "cached_tokens"].map(
    (name) => sum(groups, name),
  );
  const share = (part, all) => (all ? `${((100 * part) / all).toFixed(1)} %` : "0 %");
  return h(
    "dl",
    { class: "tiles" },
    tile(
      t("usage.requests"),
      count(requests),
      t("usage.errors", { n: count(errors), share: share(errors, requests) }),
    ),
    tile(
      t("usage.tokens_in"),
      short(prompt),
      t("usage.cached", { n: short(cached), share: share(cached, prompt) }),
    ),
    tile(t("usage.tokens_out"), short(sum(groups, "completion_tokens"))),
    tile(t("usage.price"), moneyOf(groups, "price")),
    tile(t("usage.cost"), moneyOf(groups, "cost")),
    tile(t("usage.margin"), moneyOf(groups, "margin")),
  );
}

/** Groups with the largest price first. */
export const byPrice = (groups) => [...groups].sort((a, b) => Number(b.price) - Number(a.price));

/** One row a group and the totals below. */
export function groupTable(rows, label, nameOf) {
  const figure = (name) => ({ label: t(`usage.${name}`), number: true });
  const columns = [
    { label, cell: (row) => nameOf(row) },
    { ...figure("requests"), cell: (row) => count(row.requests) },
    { ...figure("failed"), cell: (row) => count(row.errors) },
    { ...figure("tokens_in"), cell: (row) => count(row.prompt_tokens) },
    { ...figure("tokens_cached"), cell: (row) => count(row.cached_tokens) },
    { ...figure("tokens_out"), cell: (row) => count(row.completion_tokens) },
    ...["price", "cost", "margin"].map((name) => ({
      ...figure(name),
      cell: (row) => h("span", { title: `${row[name]} ${row.currency}` }, money(row[name], row.currency)),
    })),
  ];
  const foot = [
    t("usage.total"),
    ...["requests", "errors", "prompt_tokens", "cached_tokens", "completion_tokens"].map((name) =>
      count(sum(rows, name)),
    ),
    ...["price", "cost", "margin"].map((name) => moneyOf(rows, name)),
  ];
  return table(columns, rows, { caption: t("usage.title"), foot });
}
