// The page Requests: the log, newest first, filtered and read on page by page.

import { all, get, queryText } from "./api.js";
import { codeBlock } from "./copy.js";
import { field, select } from "./dialog.js";
import { byId, button, h, show } from "./dom.js";
import { ago, count, duration, money, time } from "./format.js";
import { empty, fill, notice } from "./notice.js";
import { t } from "./page.js";
import { addKey } from "./shortcuts.js";
import "./shell.js";
import { chatCurl } from "./snippets.js";
import { strip } from "./timeline.js";
import { outcome } from "./outcome.js";
import { sub, table } from "./table.js";

const PAGE = 50;
const content = byId("content");
const filters = byId("filters");
const chosen = new URLSearchParams(location.search);
const state = Object.fromEntries(
  ["model", "project_id", "status", "id"].map((name) => [name, chosen.get(name) ?? ""]),
);
let rows = [];
let turn = 0;

byId("refresh").addEventListener("click", load);
addKey("r", t("requests.refresh"), load);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("change", () => {
  Object.assign(state, Object.fromEntries(new FormData(filters)));
  state.id = state.id.trim();
  load();
});
showFilters();
load();

async function showFilters() {
  const [models, projects] = await Promise.all(
    [all("/models"), all("/projects")].map((list) => list.catch(() => [])),
  );
  const any = [["", t("requests.any")]];
  show(
    filters,
    field(
      t("requests.model"),
      select("model", [...any, ...models.map(({ name }) => [name, name])], state.model),
    ),
    field(
      t("requests.project"),
      select("project_id", [...any, ...projects.map(({ id, name }) => [id, name])], state.project_id),
    ),
    field(
      t("requests.outcome"),
      select("status", [...any, ["ok", t("requests.ok")], ["error", t("requests.error")]], state.status),
    ),
    field(
      t("requests.id"),
      h("input", {
        type: "search",
        name: "id",
        value: state.id,
        placeholder: "req-…",
        autocomplete: "off",
        spellcheck: "false",
      }),
    ),
  );
}

function load() {
  history.replaceState(null, "", location.pathname + queryText(state));
  const mine = (turn += 1);
  return fill(content, async () => {
    const page = await get("/requests", { ...state, limit: PAGE });
    if (mine !== turn) throw new DOMException("a newer choice is loading", "AbortError");
    rows = page.data;
    if (!rows.length) return nothing();
    return list(page.next);
  });
}

function nothing() {
  if (Object.values(state).some(Boolean)) return empty(t("requests.none"), t("requests.none_hint"));
  return empty(
    t("requests.empty"),
    t("requests.empty_hint"),
    codeBlock(
      chatCurl(location.origin, {
        model: "mini",
        messages: [{ role: "user", content: t("requests.example") }],
      }),
    ),
  );
}

function list(next) {
  const rowAttributes = ({ id }) => ({
    class: "link",
    on: {
      click: (event) => {
        if (!event.target.closest("a, button") && !getSelection().toString()) location.assign(address(id));
      },
    },
  });
  const slowest = Math.max(...rows.map(({ total_us: total }) => total), 1);
  return h(
    "div",
    { class: "panel" },
    table(columns(slowest), rows, { caption: t("requests.title"), rowAttributes }),
    next
      ? h(
          "div",
          { class: "more" },
          button(t("requests.older"), (event) => more(event.currentTarget, next), {}),
        )
      : null,
  );
}

async function more(pressed, cursor) {
  pressed.disabled = true;
  try {
    const page = await get("/requests", { ...state, limit: PAGE, cursor });
    rows = [...rows, ...page.data];
    show(content, list(page.next));
    content.querySelectorAll("tbody a")[rows.length - page.data.length]?.focus();
  } catch (error) {
    pressed.disabled = false;
    notice(error.message, "bad");
  }
}

const address = (id) => `/console/requests/${encodeURIComponent(id)}`;

function columns(slowest) {
  return [
    {
      label: t("requests.time"),
      cell: (row) => [
        h("a", { href: address(row.id), title: row.id }, h("time", {}, time(row.created_ms))),
        sub(ago(row.created_ms)),
      ],
    },
    {
      label: t("requests.model"),
      cell: (row) => [
        h("span", { class: "mono" }, row.version_id || row.model),
        row.endpoint_id ? sub(row.endpoint_id) : null,
      ],
    },
    { label: t("requests.outcome"), cell: outcome },
    {
      label: t("requests.tokens"),
      number: true,
      cell: (row) => [
        `${count(row.prompt_tokens)} → ${count(row.completion_tokens)}`,
        row.cached_tokens ? sub(t("requests.cached", { n: count(row.cached_tokens) })) : null,
      ],
    },
    {
      label: t("requests.first"),
      number: true,
      cell: (row) => (row.first_us ? duration(row.first_us) : "—"),
    },
    {
      label: t("requests.total"),
      number: true,
      cell: (row) => [duration(row.total_us), strip(row, slowest)],
    },
    {
      label: t("requests.price"),
      number: true,
      cell: (row) => h("span", { title: `${row.price} ${row.currency}` }, money(row.price, row.currency)),
    },
  ];
}
