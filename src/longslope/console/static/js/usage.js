// The page Usage: what was used in a span of days, as figures, a chart and a table, and as a file.

import { all, queryText } from "./api.js";
import { byId, h, show } from "./dom.js";
import { dayChart } from "./chart.js";
import { codeBlock } from "./copy.js";
import { field, select } from "./dialog.js";
import { empty, fill } from "./notice.js";
import { t } from "./page.js";
import "./shell.js";
import { rangeDays, startOfDay, utcDay } from "./days.js";
import { byPrice, groupTable, tiles } from "./usage_figures.js";

const MEASURES = ["price", "cost", "margin", "requests", "tokens"];
const GROUPS = ["model", "project", "key"];
const content = byId("content");
const filters = byId("filters");
const chosen = new URLSearchParams(location.search);
const state = {
  from: chosen.get("from") ?? utcDay(Date.now() - 29 * 86_400_000),
  to: chosen.get("to") ?? utcDay(Date.now()),
  group: GROUPS.includes(chosen.get("group")) ? chosen.get("group") : "model",
  measure: MEASURES.includes(chosen.get("measure")) ? chosen.get("measure") : "price",
};
let turn = 0;

showFilters();
load();

function showFilters() {
  const day = (name) =>
    h("input", { type: "date", name, value: state[name], required: true, max: utcDay(Date.now()) });
  const presets = h(
    "div",
    { class: "segments", role: "group", "aria-label": t("usage.span") },
    [7, 30, 90].map((days) => preset(days)),
  );
  show(
    filters,
    presets,
    field(t("usage.from"), day("from")),
    field(t("usage.to"), day("to")),
    field(
      t("usage.group"),
      select(
        "group",
        GROUPS.map((name) => [name, t(`usage.by_${name}`)]),
        state.group,
      ),
    ),
    field(
      t("usage.measure"),
      select(
        "measure",
        MEASURES.map((name) => [name, t(`usage.measure_${name}`)]),
        state.measure,
      ),
    ),
  );
}

function preset(days) {
  const from = utcDay(Date.now() - (days - 1) * 86_400_000);
  const pressed = state.from === from && state.to === utcDay(Date.now());
  const choose = () => {
    Object.assign(state, { from, to: utcDay(Date.now()) });
    showFilters();
    load();
  };
  return h(
    "button",
    { type: "button", "aria-pressed": pressed, on: { click: choose } },
    t("usage.days", { n: days }),
  );
}

filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("change", () => {
  Object.assign(state, Object.fromEntries(new FormData(filters)));
  if (!state.from || !state.to) return;
  if (state.from > state.to) [state.from, state.to] = [state.to, state.from];
  showFilters();
  load();
});

function load() {
  history.replaceState(null, "", queryText(state));
  const span = { from_ms: startOfDay(state.from), to_ms: startOfDay(state.to) + 86_400_000 };
  for (const format of ["csv", "parquet"]) {
    byId(`export-${format}`).href = `/platform/v1/usage/export${queryText({ format, ...span })}`;
  }
  const mine = (turn += 1);
  return fill(content, async () => {
    const [byDay, groups, names] = await Promise.all([
      all("/usage", { ...span, group_by: `day,${state.group}` }),
      all("/usage", { ...span, group_by: state.group }),
      namesOf(state.group),
    ]);
    if (mine !== turn) throw new DOMException("a newer choice is loading", "AbortError");
    if (!groups.length) return empty(t("usage.empty"), t("usage.empty_hint"), codeBlock(exampleCurl()));
    return report(byDay, groups, names);
  });
}

function report(byDay, groups, names) {
  const nameOf = (row) => names.get(row.keys[state.group]) ?? row.keys[state.group];
  return [
    tiles(groups),
    h(
      "section",
      { class: "panel chart-panel", "aria-label": t(`usage.measure_${state.measure}`) },
      dayChart(rangeDays(state.from, state.to), byDay, state.measure, nameOf),
    ),
    h("div", { class: "panel" }, groupTable(byPrice(groups), t(`usage.by_${state.group}`), nameOf)),
    h(
      "details",
      { class: "panel fold day-fold" },
      h("summary", {}, t("usage.day_table")),
      groupTable(byDay, t("usage.day"), (row) => `${row.keys.day} · ${nameOf(row)}`),
    ),
  ];
}

async function namesOf(group) {
  if (group === "model") return new Map();
  const rows = await all(group === "project" ? "/projects" : "/keys").catch(() => []);
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function exampleCurl() {
  return `curl "${location.origin}/platform/v1/usage?group_by=day,model" \\
  -H "Authorization: Bearer $LONGSLOPE_API_KEY"`;
}
