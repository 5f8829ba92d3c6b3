// A request's way drawn to scale: arrival, known, admitted, first byte, last byte. Offsets are microseconds.

import { h } from "./dom.js";
import { duration } from "./format.js";
import { t } from "./page.js";

/** The stretches of a request as `{name, from, to}`. Where no byte came, computing lasts until the end. */
export function stretches({
  resolved_us: resolved,
  admitted_us: admitted,
  first_us: first,
  total_us: total,
}) {
  const steps = [
    { name: "resolve", from: 0, to: resolved },
    { name: "queue", from: resolved, to: admitted },
    { name: "wait", from: admitted, to: first || total },
    { name: "stream", from: first || total, to: total },
  ];
  return steps.map((step) => ({ ...step, to: Math.max(step.from, step.to) }));
}

function bar(parts, length) {
  return h(
    "div",
    { class: "bar" },
    parts.map(({ name, from, to }) =>
      h("span", {
        class: `stretch ${name}`,
        title: `${t(`shared.step_${name}`)}: ${duration(to - from)}`,
        vars: { "--from": `${(100 * from) / length}%`, "--length": `${(100 * (to - from)) / length}%` },
      }),
    ),
  );
}

/** One small bar, as long as the request took beside the slowest of its neighbours. */
export function strip(row, slowest) {
  return h("div", { class: "strip", "aria-hidden": "true" }, bar(stretches(row), Math.max(slowest, 1)));
}

/** The whole timeline: the bar to scale, the gateway's own part enlarged, and every figure in a table. */
export function timeline(row) {
  const steps = stretches(row);
  const whole = Math.max(row.total_us, 1);
  const own = Math.max(row.admitted_us, 1);
  return [
    h("div", { class: "scale" }, bar(steps, whole), ticks(whole)),
    h(
      "p",
      { class: "scale-words" },
      t("shared.own_part", { duration: duration(row.admitted_us), share: share(row.admitted_us, whole) }),
    ),
    h("div", { class: "scale enlarged" }, bar(steps.slice(0, 2), own), ticks(own)),
    h(
      "table",
      { class: "steps-table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, t("shared.step")),
          h("th", { scope: "col", class: "number" }, t("shared.after")),
          h("th", { scope: "col", class: "number" }, t("shared.took")),
          h("th", { scope: "col", class: "number" }, t("shared.share")),
        ),
      ),
      h(
        "tbody",
        {},
        steps.map(({ name, from, to }) =>
          h(
            "tr",
            {},
            h("td", {}, stepName(name)),
            h("td", { class: "number" }, duration(from)),
            h("td", { class: "number" }, duration(to - from)),
            h("td", { class: "number" }, share(to - from, whole)),
          ),
        ),
      ),
    ),
  ];
}

function stepName(name) {
  const words = h(
    "span",
    {},
    h("strong", {}, t(`shared.step_${name}`)),
    h("span", { class: "sub" }, t(`shared.step_${name}_words`)),
  );
  return h("div", { class: "step-name" }, h("span", { class: `key ${name}` }), words);
}

function ticks(length) {
  return h(
    "div",
    { class: "ticks", "aria-hidden": "true" },
    [0, 0.25, 0.5, 0.75, 1].map((at) => h("span", {}, duration(Math.round(length * at)))),
  );
}

function share(part, whole) {
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(1)} %`;
}
