// One answer: its words, the tools it calls, and below them what was measured, as a picture and in figures.

import { h, show } from "../dom.js";
import { count, duration, money, significant } from "../format.js";
import { render } from "../markdown.js";
import { problem } from "../notice.js";
import { t } from "../page.js";
import { speed } from "../speed.js";
import { toolCard } from "./tool_calls.js";

const REDRAW_MS = 40;

/** A node for the message, with `redraw()` while it grows and `finish()` when it is whole. */
export function answerNode(message, { retry, toolAnswerer }) {
  const body = h("div", { class: "answer-body" });
  const foot = h("div", { class: "answer-foot" });
  const node = h("article", { class: "answer" }, body, foot);
  let drawn = 0;
  let waiting = null;

  const draw = () => {
    clearTimeout(waiting);
    waiting = null;
    drawn = performance.now();
    show(body, parts(message, toolAnswerer, retry));
  };
  const redraw = () => {
    if (waiting !== null) return;
    const since = performance.now() - drawn;
    if (since >= REDRAW_MS) draw();
    else waiting = setTimeout(draw, REDRAW_MS - since);
  };
  const finish = () => {
    node.classList.remove("growing");
    draw();
    show(foot, message.measures && !message.error ? figures(message) : null);
  };
  node.classList.add("growing");
  draw();
  return { node, redraw, finish };
}

function parts(message, toolAnswerer, retry) {
  const { content, reasoning, tool_calls: calls, error, measures, stopped } = message;
  const isEmpty = !content && !calls && !error;
  return [
    reasoning
      ? h(
          "details",
          { class: "reasoning" },
          h("summary", {}, t("shared.reasoning")),
          h("div", {}, render(reasoning)),
        )
      : null,
    content ? render(content) : null,
    calls?.map((call) => toolCard(call, toolAnswerer?.(call) ?? null)),
    isEmpty && measures?.total === null
      ? h("p", { class: "waiting" }, h("span", { class: "visually-hidden" }, t("shared.waiting")))
      : null,
    isEmpty && measures && measures.total !== null && !stopped
      ? h("p", { class: "faint" }, t("shared.no_words"))
      : null,
    stopped ? h("p", { class: "faint" }, t("shared.stopped")) : null,
    error ? problem(error, retry) : null,
  ];
}

function figures({ measures, stopped }) {
  const { first, total, prompt, cached, completion, price, currency, requestId, finish } = measures;
  const rate = first === null ? null : speed(completion ?? 0, total - first);
  const figure = (label, value, title = null) =>
    value === null ? null : h("div", { title }, h("dt", {}, label), h("dd", {}, value));
  return [
    picture(measures),
    h(
      "dl",
      {},
      figure(t("shared.first_token"), first === null ? null : duration(Math.round(first * 1000))),
      figure(t("shared.speed"), rate === null ? null : `${significant(rate)} tok/s`),
      figure(t("shared.whole"), duration(Math.round(total * 1000))),
      figure(
        t("shared.tokens"),
        prompt === undefined ? null : `${count(prompt)} → ${count(completion)}`,
        cached === undefined ? null : t("shared.cached_of", { cached: count(cached), prompt: count(prompt) }),
      ),
      figure(t("shared.cached"), cached ? count(cached) : null),
      figure(
        t("shared.price"),
        price === undefined ? null : money(price, currency),
        price === undefined ? null : `${price} ${currency}`,
      ),
      figure(t("shared.finish"), finish && finish !== "stop" ? finish : null),
    ),
    requestId && !stopped
      ? h(
          "a",
          {
            class: "request-link",
            href: `/console/requests/${encodeURIComponent(requestId)}`,
            title: requestId,
          },
          t("shared.see_request"),
        )
      : null,
  ];
}

/** Waiting and streaming as one bar; `--whole`, set from outside, is the slowest answer of the same turn. */
function picture({ first, total }) {
  const waited = first ?? total;
  return h(
    "div",
    {
      class: "picture",
      role: "img",
      "aria-label": t("shared.picture_alt", {
        first: duration(Math.round(waited * 1000)),
        total: duration(Math.round(total * 1000)),
      }),
      vars: { "--waited": waited.toFixed(1), "--total": total.toFixed(1) },
    },
    h("span", { class: "waited" }),
    h("span", { class: "streamed" }),
  );
}
