// What the user is told: short notices that go away by themselves, and problems that stay where they arose.

import { copyable } from "./copy.js";
import { append, button, byId, h, icon, show } from "./dom.js";
import { t } from "./page.js";

/** A line in the corner for a few seconds. */
export function notice(words, kind = "good") {
  const node = h(
    "div",
    { class: `notice ${kind}` },
    icon(kind === "good" ? "check" : "warning"),
    h("span", {}, words),
  );
  byId("notices").append(node);
  setTimeout(() => node.remove(), 6000);
}

/** An error with its message, which says what to do, and the request's id; `retry` adds a button. */
export function problem(error, retry = null) {
  return h(
    "div",
    { class: "problem", role: "alert" },
    icon("warning"),
    h(
      "div",
      { class: "problem-body" },
      h(
        "p",
        { class: "problem-message" },
        error.code === "unreachable" ? t("shared.unreachable") : error.message,
      ),
      h(
        "p",
        { class: "problem-foot" },
        error.code && error.status ? h("code", {}, error.code) : null,
        error.requestId ? [t("shared.request_id"), " ", copyable(error.requestId)] : null,
        retry ? button(t("shared.retry"), retry, { kind: "small", iconName: "refresh" }) : null,
      ),
    ),
  );
}

/** Fills `place` with what `load` gives; where it fails, with the problem and a way to try again. */
export async function fill(place, load) {
  try {
    show(place, await load());
  } catch (error) {
    if (error.name === "AbortError") return;
    show(
      place,
      problem(error, () => fill(place, load)),
    );
    if (!("status" in error)) throw error; // a fault of the console, not an answer: leave its trace in the log
  }
}

/** What stands where there is nothing yet: a line, a hint at the next step and what to do it with. */
export function empty(title, hint, ...rest) {
  const node = h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), h("p", {}, hint));
  append(node, rest);
  return node;
}
