// The panel of parameters: system prompt, sampling, the answer's form, tools. Kept as texts, as they were typed.

import { field, select } from "../dialog.js";
import { button, h, iconButton, show } from "../dom.js";
import { t } from "../page.js";

const TOOL_EXAMPLE = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city now",
      parameters: {
        type: "object",
        properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
        required: ["city"],
      },
    },
  },
];
const SCHEMA_EXAMPLE = {
  type: "object",
  properties: { title: { type: "string" }, points: { type: "array", items: { type: "string" } } },
  required: ["title", "points"],
};

/** Fills `panel` with the controls. `draft` is changed in place; `onChange` is called after each change. */
export function showParameters(panel, draft, { onChange, close }) {
  const keep = (name) => (event) => {
    draft[name] = event.target.value;
    event.target.removeAttribute("aria-invalid");
    onChange();
  };
  const control = (tag, name, attributes) =>
    h(tag, { id: `parameter-${name}`, value: draft[name], on: { input: keep(name) }, ...attributes });
  const number = (name, min, max, step, placeholder) =>
    control("input", name, { type: "number", min, max, step, placeholder, inputmode: "decimal" });
  const code = (name, example) => [
    control("textarea", name, { class: "code", rows: 6, spellcheck: "false", placeholder: "{ … }" }),
    button(t("playground.example"), () => fillIn(name, JSON.stringify(example, null, 2)), {
      kind: "ghost small",
    }),
  ];
  const fillIn = (name, text) => {
    const box = panel.querySelector(`#parameter-${name}`);
    box.value = text;
    box.dispatchEvent(new Event("input"));
    box.focus();
  };

  const [schemaBox, schemaExample] = code("schema", SCHEMA_EXAMPLE);
  const schema = h("div", { class: "with-example" }, field(t("playground.schema"), schemaBox), schemaExample);
  schema.hidden = draft.format !== "json_schema";
  const format = select(
    "format",
    ["text", "json_object", "json_schema"].map((value) => [value, t(`playground.format_${value}`)]),
    draft.format,
  );
  format.addEventListener("change", (event) => {
    keep("format")(event);
    schema.hidden = draft.format !== "json_schema";
  });
  const [toolsBox, toolsExample] = code("tools", TOOL_EXAMPLE);

  show(
    panel,
    h(
      "div",
      { class: "parameters-head" },
      h("h2", {}, t("playground.parameters")),
      iconButton("close", t("shared.close"), close),
    ),
    field(
      t("playground.system"),
      control("textarea", "system", { rows: 4, placeholder: t("playground.system_hint") }),
    ),
    h(
      "div",
      { class: "pair" },
      field(t("playground.temperature"), number("temperature", 0, 2, 0.1, t("playground.own_default"))),
      field(t("playground.top_p"), number("top_p", 0, 1, 0.05, t("playground.own_default"))),
      field(
        t("playground.max_tokens"),
        number("max_tokens", 1, 2_147_483_647, 1, t("playground.own_default")),
      ),
      field(
        t("playground.seed"),
        number("seed", -9_007_199_254_740_991, 9_007_199_254_740_991, 1, t("playground.random")),
      ),
    ),
    field(t("playground.format"), format),
    schema,
    h(
      "div",
      { class: "with-example" },
      field(t("playground.tools"), toolsBox, t("playground.tools_hint")),
      toolsExample,
    ),
  );
}

/** Marks the control of a parameter that cannot be sent, and shows it. */
export function markInvalid(panel, name) {
  const control = panel.querySelector(`#parameter-${name}`);
  control?.setAttribute("aria-invalid", "true");
  control?.focus();
}
