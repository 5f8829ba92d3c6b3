// The page Models: the family, each with its state, price, cost and versions; adding and removing.

import { all, remove } from "./api.js";
import { copyable, codeBlock } from "./copy.js";
import { confirmDialog } from "./dialog.js";
import { byId, button, h, icon, show } from "./dom.js";
import { ago, bytes, count, time } from "./format.js";
import { addUpstream, addWeights } from "./model_forms.js";
import { empty, fill, notice } from "./notice.js";
import { t } from "./page.js";
import { priceDialog } from "./price_form.js";
import { priceText } from "./prices.js";
import { me } from "./shell.js";
import { someNotReady, stateMark } from "./states.js";
import { sub, table } from "./table.js";
import { watch } from "./watching.js";

const content = byId("content");
const marks = new Map(); // model name: where its state stands, so that a look changes nothing else
const waitFor = watch(lookAtStates);
byId("add-upstream").addEventListener("click", () => addUpstream(load));
byId("add-weights").addEventListener("click", () => addWeights(load));
load();

function load() {
  return fill(content, async () => {
    const [models, { role, currency }] = await Promise.all([all("/models"), me]);
    marks.clear();
    waitFor(someNotReady(models));
    if (!models.length) {
      return empty(
        t("models.empty"),
        t("models.empty_hint"),
        codeBlock("longslope models pull mini\nlongslope models list"),
      );
    }
    return h(
      "div",
      { class: "stack" },
      models.map((model) => card(model, role === "admin", currency)),
    );
  });
}

async function lookAtStates() {
  const models = await all("/models");
  for (const { name, state } of models) {
    const mark = marks.get(name);
    if (mark && mark.dataset.state !== state) showState(mark, state);
  }
  return someNotReady(models);
}

function showState(mark, state) {
  mark.dataset.state = state;
  show(mark, stateMark(state));
}

function card(model, isAdmin, currency) {
  const mark = h("span");
  marks.set(model.name, mark);
  showState(mark, model.state);
  const newest = model.versions.find((version) => version.id === model.newest) ?? model.versions[0];
  return h(
    "article",
    { class: "panel model", "aria-labelledby": `model-${model.name}` },
    h(
      "div",
      { class: "model-head" },
      h("h2", { id: `model-${model.name}` }, model.name),
      h("span", { class: "tag" }, t(`models.kind_${model.kind}`)),
      mark,
      h("div", { class: "actions" }, actions(model, isAdmin, currency)),
    ),
    model.summary ? h("p", { class: "lead" }, model.summary) : null,
    h("dl", { class: "facts" }, facts(model, newest)),
    versions(model),
  );
}

function actions(model, isAdmin, currency) {
  return [
    model.kind === "chat"
      ? h(
          "a",
          { class: "button small", href: `/?models=${encodeURIComponent(model.name)}` },
          icon("playground"),
          t("models.try"),
        )
      : null,
    isAdmin
      ? button(t("models.set_price"), () => priceDialog(model, currency, load), {
          kind: "small",
          iconName: "price",
        })
      : null,
    isAdmin
      ? button(t("models.remove"), () => confirmRemove(model), { kind: "ghost small", iconName: "trash" })
      : null,
  ];
}

function confirmRemove({ name }) {
  confirmDialog(
    t("models.remove_title", { name }),
    t("models.remove_words"),
    t("models.remove"),
    async () => {
      await remove(`/models/${encodeURIComponent(name)}`);
      notice(t("models.removed", { name }));
      await load();
    },
  );
}

function facts(model, newest) {
  const fact = (label, ...value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  return [
    fact(t("models.version"), h("span", { class: "mono" }, model.newest)),
    fact(t("models.context"), t("models.tokens", { n: count(newest?.context_length ?? 0) })),
    fact(t("models.price"), priceText(model.price), sub(t("models.price_unit"))),
    fact(t("models.cost"), priceText(model.cost), sub(t("models.price_unit"))),
    fact(t("models.independence"), newest?.independence ?? "—"),
  ];
}

function versions({ name, versions: rows }) {
  const columns = [
    {
      label: t("models.version"),
      cell: (row) => [
        h("span", { class: "mono" }, row.id),
        row.parent ? sub(t("models.from", { parent: row.parent })) : null,
      ],
    },
    { label: t("models.origin"), cell: (row) => row.origin },
    { label: t("models.engine"), cell: (row) => row.engine },
    { label: t("models.size"), number: true, cell: (row) => (row.bytes === null ? "—" : bytes(row.bytes)) },
    {
      label: "sha256",
      cell: (row) => (row.sha256 ? copyable(row.sha256, `${row.sha256.slice(0, 12)}…`) : "—"),
    },
    {
      label: t("models.created"),
      cell: (row) => h("time", { title: time(row.created_ms) }, ago(row.created_ms)),
    },
  ];
  return h(
    "details",
    { class: "fold" },
    h("summary", {}, icon("chevron"), t("models.versions", { n: rows.length })),
    table(columns, rows, { caption: t("models.versions_of", { name }) }),
  );
}
