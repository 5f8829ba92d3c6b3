// One operation of the API as a fold: its head, and inside what goes in, what comes out and a line to run.

import { codeBlock } from "../copy.js";
import { append, h, icon } from "../dom.js";
import { t } from "../page.js";
import { curl } from "../snippets.js";
import { bounds, fields, objectsIn, resolve, shellPath, typeWords } from "./schema.js";

/** The operation as a closed fold, filled when it is first opened. */
export function operationNode(api, operation) {
  const { method, path, summary, operationId: id } = operation;
  const node = h(
    "details",
    { class: "operation", id },
    h(
      "summary",
      {},
      icon("chevron"),
      h("span", { class: `method ${method.toLowerCase()}` }, method),
      h("code", { class: "path" }, path),
      h("span", { class: "operation-summary" }, marked(summary)),
    ),
  );
  node.addEventListener("toggle", () => {
    if (node.open && node.childElementCount === 1) append(node, [inside(api, operation)]);
  });
  return node;
}

function inside(api, { method, path, description, parameters = [], requestBody, responses }) {
  const body = requestBody?.content["application/json"];
  const good = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  return h(
    "div",
    { class: "operation-body" },
    h(
      "div",
      { class: "operation-schemas" },
      description ? h("p", {}, marked(description)) : null,
      parameters.length ? [h("h3", {}, t("docs.parameters")), parameterList(api, parameters)] : null,
      body ? [h("h3", {}, t("docs.body")), about(api, body.schema), fieldList(api, body.schema)] : null,
      good.map(([status, response]) => answer(api, status, response)),
    ),
    h(
      "div",
      { class: "operation-code" },
      h("h3", {}, t("docs.try")),
      codeBlock(curl(location.origin + shellPath(path), { method, body: body?.example }), t("docs.try")),
    ),
  );
}

function parameterList(api, parameters) {
  const nodes = parameters.map(({ name, schema, required, in: where }) =>
    fieldNode(api, { name, schema, mark: required && where !== "path" ? "required" : `in_${where}` }),
  );
  return h("ul", { class: "api-fields" }, nodes);
}

function answer(api, status, { description, content = {} }) {
  const [media, { schema = {} } = {}] = Object.entries(content)[0] ?? [];
  return [
    h("h3", {}, t("docs.answer"), " ", h("span", { class: "state good" }, status)),
    h("p", { class: "lead" }, marked(description)),
    media && media !== "application/json" ? h("p", {}, h("code", {}, media)) : null,
    fieldList(api, schema, { asked: false }),
  ];
}

/** What a type says of itself. */
function about(api, schema) {
  const { description } = resolve(api, schema);
  return description ? h("p", { class: "lead" }, marked(description)) : null;
}

/**
 * The fields of the objects in `schema`, those that must be there first and marked where they are `asked` for. `above`
 * are the objects around, so that a type within itself ends.
 */
export function fieldList(api, schema, { asked = true, above = [] } = {}) {
  return objectsIn(api, schema).map((object) => {
    const nodes = fields(object).map(({ name, schema: inner, isRequired }) =>
      fieldNode(api, {
        name,
        schema: inner,
        mark: asked && isRequired ? "required" : null,
        rest: { asked, above: [...above, object] },
      }),
    );
    return h("ul", { class: "api-fields" }, nodes);
  });
}

function fieldNode(api, { name, schema, mark, rest = { above: [] } }) {
  const inner = objectsIn(api, schema).filter((object) => !rest.above.includes(object));
  const rules = bounds(api, schema).map(([kind, text]) => h("span", {}, t(`docs.${kind}`, { text })));
  const isShort = rest.above.length === 1 && fields(rest.above[0]).length <= 2; // a frame around what matters
  return h(
    "li",
    {},
    h("code", { class: "field-name" }, name),
    h("code", { class: "field-type" }, typeWords(api, schema)),
    mark ? h("span", { class: `mark-${mark}` }, t(`docs.${mark}`)) : null,
    rules.length ? h("p", { class: "field-rules" }, rules) : null,
    inner.map((object) =>
      h(
        "details",
        { class: "fold", open: isShort },
        h("summary", {}, icon("chevron"), object.title ?? name),
        about(api, object),
        fieldList(api, object, rest),
      ),
    ),
  );
}

/** Words in which `code` stands between backticks. */
export const marked = (words) => words.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));
