// The page API: the OpenAPI document as a reference that can be filtered, linked to and run.

import { send } from "./api.js";
import { copyable } from "./copy.js";
import { fieldList, marked, operationNode } from "./docs/operation.js";
import { operations } from "./docs/schema.js";
import { append, byId, h, icon } from "./dom.js";
import { count } from "./format.js";
import { empty, fill } from "./notice.js";
import { t, wordsOr } from "./page.js";
import "./shell.js";

const DOCUMENT = "/docs/openapi.json";
const none = empty(t("docs.none"), t("docs.none_hint"));
let entries = []; // of each operation its node, its section, and the text that the filter looks through

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filter").addEventListener("input", narrow);
byId("content").addEventListener("toggle", nameOpened, { capture: true }); // it does not bubble
window.addEventListener("hashchange", openNamed);
fill(byId("content"), load).then(() => {
  narrow();
  openNamed();
});

async function load() {
  const api = await (await send("GET", DOCUMENT)).json();
  const all = operations(api);
  entries = [];
  const sections = api.tags.map((tag) => section(api, tag, all));
  none.hidden = true;
  return [access(api), sections, none];
}

function section(api, { name, description }, all) {
  const node = h(
    "section",
    { class: "section", "aria-labelledby": `tag-${name}` },
    h("h2", { id: `tag-${name}` }, wordsOr(`docs.tag_${name}`, name)),
    h("p", { class: "lead" }, wordsOr(`docs.tag_${name}_lead`, description)),
  );
  const panel = h("div", { class: "panel operations" });
  for (const operation of all.filter(({ tag }) => tag === name)) {
    const { method, path, summary, operationId } = operation;
    const entry = operationNode(api, operation);
    const text = [method, path, summary, operation.description, operationId, name].join(" ").toLowerCase();
    entries.push({ node: entry, section: node, text });
    panel.append(entry);
  }
  append(node, [panel]);
  return node;
}

/** What every call needs: where to send it, with which key, and how a failure looks. */
function access(api) {
  const fact = (label, ...value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  const base = (path) => copyable(location.origin + path);
  const error = { $ref: "#/components/schemas/ErrorBody" };
  return h(
    "div",
    { class: "panel pad access" },
    h(
      "dl",
      { class: "facts" },
      fact(t("docs.base_openai"), base("/v1")),
      fact(t("docs.base_ark"), base("/api/v3")),
      fact(t("docs.base_platform"), base("/platform/v1")),
      fact(
        t("docs.key"),
        h("code", {}, "Authorization: Bearer ls-…"),
        h("br"),
        h("a", { href: "/console/keys" }, t("docs.keys")),
      ),
    ),
    h(
      "details",
      { class: "fold" },
      h("summary", {}, icon("chevron"), t("docs.errors")),
      h("p", { class: "lead" }, marked(t("docs.errors_lead"))),
      fieldList(api, error, { asked: false }),
    ),
  );
}

/** Shows the operations in which every word of the filter occurs. */
function narrow() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { node, text } of entries) node.hidden = !words.every((word) => text.includes(word));
  for (const { section: node } of entries) node.hidden = !node.querySelector(".operation:not([hidden])");
  const found = entries.filter(({ node }) => !node.hidden).length;
  none.hidden = found > 0 || !entries.length;
  byId("found").textContent = entries.length ? t("docs.found", { n: count(found) }) : "";
}

/** An opened operation stands in the address, so that it can be linked to. */
function nameOpened({ target }) {
  if (target.open && target.id) history.replaceState(null, "", `#${target.id}`);
}

/** Opens the operation that the address names. */
function openNamed() {
  const named = document.getElementById(location.hash.slice(1));
  if (!named?.classList.contains("operation")) return;
  named.open = true;
  named.scrollIntoView({ block: "start" });
}
