// One request: how it went, its way through the gateway, its tokens and exactly how its price came about.

import { all, get } from "./api.js";
import { codeBlock, copyable } from "./copy.js";
import { charge, add } from "./decimal.js";
import { byId, h } from "./dom.js";
import { count, duration, money, significant, time } from "./format.js";
import { fill } from "./notice.js";
import { outcome } from "./outcome.js";
import { t } from "./page.js";
import "./shell.js";
import { speed } from "./speed.js";
import { timeline } from "./timeline.js";

const id = decodeURIComponent(location.pathname.split("/").pop());

fill(byId("content"), async () => {
  const [row, prices] = await Promise.all([
    get(`/requests/${encodeURIComponent(id)}`),
    all("/prices").catch(() => []),
  ]);
  document.title = `${row.id} · longslope`;
  return [
    h(
      "div",
      { class: "page-head" },
      h(
        "div",
        {},
        h("h1", { class: "request-title" }, copyable(row.id)),
        h("p", { class: "lead" }, time(row.created_ms), " · ", outcome(row)),
      ),
    ),
    h(
      "section",
      { class: "panel pad", "aria-labelledby": "way" },
      h("h2", { id: "way" }, t("request.way")),
      timeline(row),
    ),
    h("div", { class: "halves" }, factsPanel(row), pricePanel(row, prices)),
    contentPanel(row),
  ];
});

function factsPanel(row) {
  const fact = (label, value) =>
    value === null || value === "" ? null : h("div", {}, h("dt", {}, label), h("dd", {}, value));
  const rate = row.first_us ? speed(row.completion_tokens, (row.total_us - row.first_us) / 1000) : null;
  return h(
    "section",
    { class: "panel pad", "aria-labelledby": "facts" },
    h("h2", { id: "facts" }, t("request.facts")),
    h(
      "dl",
      { class: "facts" },
      fact(t("request.model"), h("span", { class: "mono" }, row.model)),
      fact(t("request.version"), h("span", { class: "mono" }, row.version_id)),
      fact(t("request.engine"), h("span", { class: "mono" }, row.engine)),
      fact(t("request.endpoint"), row.endpoint_id && copyable(row.endpoint_id)),
      fact(t("request.operation"), `${row.operation}${row.stream ? ` · ${t("request.streamed")}` : ""}`),
      fact(t("request.finish"), row.finish_reason),
      fact(t("request.first"), row.first_us ? duration(row.first_us) : t("request.no_byte")),
      fact(t("request.speed"), rate && `${significant(rate)} tok/s`),
      fact(t("request.project"), copyable(row.project_id)),
      fact(t("request.key"), copyable(row.key_id)),
      fact(t("request.client_id"), row.client_request_id && copyable(row.client_request_id)),
      fact(
        t("request.retry_of"),
        row.retry_of &&
          h("a", { href: `/console/requests/${encodeURIComponent(row.retry_of)}` }, row.retry_of),
      ),
    ),
  );
}

/** The newest price or cost of the model that was there when the request came. */
export function inForce(prices, side, { model, created_ms: at }) {
  const before = prices.filter(
    (price) => price.model === model && price.side === side && price.created_ms <= at,
  );
  return before.reduce(
    (newest, price) => (newest && newest.created_ms > price.created_ms ? newest : price),
    null,
  );
}

function pricePanel(row, prices) {
  return h(
    "section",
    { class: "panel pad", "aria-labelledby": "money" },
    h("h2", { id: "money" }, t("request.price")),
    receipt(row, inForce(prices, "price", row), t("request.price"), row.price),
    row.retry_of ? h("p", { class: "faint" }, t("request.retry_words")) : null,
    h(
      "dl",
      { class: "facts" },
      ["price", "cost"].map((side) =>
        h(
          "div",
          {},
          h("dt", {}, t(`request.${side}`)),
          h("dd", { class: "mono" }, `${row[side]} ${row.currency}`),
        ),
      ),
    ),
  );
}

function receipt(row, price, label, amount) {
  const kinds = [
    [t("request.input"), row.prompt_tokens - row.cached_tokens, price?.input],
    [t("request.cached_input"), row.cached_tokens, price?.cached_input],
    [t("request.output"), row.completion_tokens, price?.output],
  ];
  const line = ([name, tokens, perMillion]) =>
    h(
      "tr",
      {},
      h("td", {}, name),
      h("td", { class: "number" }, count(tokens)),
      h("td", { class: "number" }, perMillion ? money(perMillion, price.currency) : "—"),
      h("td", { class: "number" }, perMillion ? money(charge(tokens, perMillion), price.currency) : "—"),
    );
  const heads = ["", t("request.tokens"), t("request.per_million"), label];
  const full = price ? add(...kinds.map(([, tokens, perMillion]) => charge(tokens, perMillion))) : null;
  return [
    h(
      "table",
      { class: "receipt" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((words, at) => h("th", { scope: "col", class: at ? "number" : null }, words)),
        ),
      ),
      h("tbody", {}, kinds.map(line)),
      h(
        "tfoot",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "row" }, t("request.charged")),
          h("td", {}),
          h("td", {}),
          h(
            "td",
            { class: "number", title: `${amount} ${row.currency}`, data: { computed: full ?? "" } },
            money(amount, row.currency),
          ),
        ),
      ),
    ),
    price
      ? h("p", { class: "faint" }, t("request.in_force", { id: price.id, since: time(price.created_ms) }))
      : h("p", { class: "faint" }, t("request.no_price")),
  ];
}

function contentPanel(row) {
  if (!row.request && !row.answer) return h("p", { class: "faint content-words" }, t("request.no_content"));
  return h(
    "section",
    { class: "panel pad", "aria-labelledby": "said" },
    h("h2", { id: "said" }, t("request.content")),
    row.request ? [h("h3", {}, t("request.asked")), codeBlock(pretty(row.request))] : null,
    row.answer ? [h("h3", {}, t("request.answered")), codeBlock(pretty(row.answer))] : null,
  );
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
