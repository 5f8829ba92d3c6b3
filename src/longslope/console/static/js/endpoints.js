// The page Endpoints: named ways in, to what each leads and led, and leading it elsewhere.

import { all, post, remove } from "./api.js";
import { codeBlock, copyable } from "./copy.js";
import { confirmDialog, field, formDialog, openDialog, select } from "./dialog.js";
import { byId, button, h } from "./dom.js";
import { ago, time } from "./format.js";
import { empty, fill, notice } from "./notice.js";
import { t } from "./page.js";
import "./shell.js";
import { chatCurl } from "./snippets.js";
import { sub, table } from "./table.js";

const content = byId("content");
byId("make").addEventListener("click", () => makeEndpoint());
load();

function load() {
  return fill(content, async () => {
    const endpoints = await all("/endpoints");
    if (!endpoints.length) {
      return empty(
        t("endpoints.empty"),
        t("endpoints.empty_hint"),
        codeBlock(makeCurl()),
        button(t("endpoints.make"), () => makeEndpoint(), { kind: "primary", iconName: "plus" }),
      );
    }
    return h("div", { class: "panel" }, table(columns(), endpoints, { caption: t("endpoints.title") }));
  });
}

function makeCurl() {
  return `curl ${location.origin}/platform/v1/endpoints \\
  -H "Authorization: Bearer $LONGSLOPE_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"name": "shop chat", "version": "lite"}'`;
}

function columns() {
  return [
    { label: t("endpoints.name"), cell: (row) => [h("strong", {}, row.name), sub(copyable(row.id))] },
    { label: t("endpoints.version"), cell: (row) => h("span", { class: "mono" }, row.version) },
    {
      label: t("endpoints.since"),
      cell: ({ bindings }) => h("time", { title: time(bindings[0].created_ms) }, ago(bindings[0].created_ms)),
    },
    {
      label: t("endpoints.history"),
      cell: (row) =>
        button(t("endpoints.bindings", { n: row.bindings.length }), () => showHistory(row), {
          kind: "ghost small",
        }),
    },
    {
      label: "",
      buttons: true,
      cell: (row) => [
        button(t("endpoints.use"), () => showUse(row), { kind: "ghost small", iconName: "code" }),
        button(t("endpoints.bind"), () => bind(row), { kind: "small", iconName: "endpoints" }),
        button(t("endpoints.remove"), () => confirmRemove(row), { kind: "ghost small", iconName: "trash" }),
      ],
    },
  ];
}

async function versionField() {
  const models = await all("/models");
  const options = models.flatMap(({ name, versions }) => [
    [name, t("endpoints.newest_of", { model: name, version: versions[0]?.id ?? name })],
    ...versions.map(({ id }) => [id, id]),
  ]);
  return field(t("endpoints.version"), select("version", options), t("endpoints.version_hint"));
}

async function makeEndpoint() {
  formDialog(
    t("endpoints.make"),
    [
      field(
        t("endpoints.name"),
        h("input", { name: "name", required: true, maxlength: 128, autocomplete: "off" }),
      ),
      await versionField(),
    ],
    t("endpoints.make"),
    async (values) => {
      const made = await post("/endpoints", values);
      notice(t("endpoints.made", { name: made.name }));
      await load();
    },
    { lead: t("endpoints.lead") },
  );
}

async function bind(endpoint) {
  formDialog(
    t("endpoints.bind_title", { name: endpoint.name }),
    [await versionField()],
    t("endpoints.bind"),
    async (values) => {
      const bound = await post(`/endpoints/${encodeURIComponent(endpoint.id)}/bindings`, values);
      notice(t("endpoints.bound", { name: bound.name, version: bound.version }));
      await load();
    },
    { lead: t("endpoints.bind_lead", { version: endpoint.version }) },
  );
}

function showHistory({ name, bindings }) {
  const item = ({ version, created_ms: since }, at) =>
    h(
      "li",
      { class: at === 0 ? "now" : null },
      h("span", { class: "mono" }, version),
      h("span", { class: "faint" }, time(since), at === 0 ? ` · ${t("endpoints.in_force")}` : ""),
    );
  openDialog(
    t("endpoints.history_of", { name }),
    h("div", { class: "dialog-body" }, h("ol", { class: "history" }, bindings.map(item))),
  );
}

function showUse({ id, name }) {
  const code = chatCurl(location.origin, {
    model: id,
    messages: [{ role: "user", content: t("endpoints.example") }],
  });
  openDialog(
    t("endpoints.use_title", { name }),
    h("div", { class: "dialog-body" }, h("p", { class: "lead" }, t("endpoints.use_lead")), codeBlock(code)),
    { wide: true },
  );
}

function confirmRemove({ id, name }) {
  confirmDialog(
    t("endpoints.remove_title", { name }),
    t("endpoints.remove_words", { id }),
    t("endpoints.remove"),
    async () => {
      await remove(`/endpoints/${encodeURIComponent(id)}`);
      notice(t("endpoints.removed", { name }));
      await load();
    },
  );
}
