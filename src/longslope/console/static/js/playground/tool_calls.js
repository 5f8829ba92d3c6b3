// A tool that the model wants called: its name, its arguments as a table, and a place for what the tool answers.

import { button, h } from "../dom.js";
import { t } from "../page.js";

/** A card for one call. `sendResult` takes what the tool answers; null where nothing more can be answered. */
export function toolCard(call, sendResult) {
  return h(
    "section",
    { class: "tool", "aria-label": t("shared.tool_call", { name: call.function.name }) },
    h(
      "header",
      {},
      h("code", {}, call.function.name),
      call.id ? h("span", { class: "faint" }, call.id) : null,
    ),
    argumentsNode(call.function.arguments),
    sendResult ? answerForm(call, sendResult) : null,
  );
}

function argumentsNode(text) {
  const value = parse(text);
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return h("pre", {}, h("code", {}, text));
  const names = Object.entries(value);
  if (!names.length) return h("p", { class: "faint" }, t("shared.no_arguments"));
  return h(
    "dl",
    {},
    names.map(([name, each]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, typeof each === "string" ? each : JSON.stringify(each))),
    ),
  );
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not whole yet, or never valid: then it is shown as it came
  }
}

function answerForm(call, sendResult) {
  const box = h("textarea", {
    class: "code",
    rows: 2,
    required: true,
    "aria-label": t("shared.tool_answer", { name: call.function.name }),
    placeholder: '{"…": "…"}',
    data: { toolCall: call.id ?? "" },
  });
  return h(
    "form",
    {
      on: {
        submit: (event) => {
          event.preventDefault();
          sendResult(box.value);
        },
      },
    },
    box,
    button(t("shared.tool_send"), null, { kind: "small", type: "submit" }),
  );
}
