// The page Engines: what runs now, asked every two seconds while the page can be seen.

import { all, post } from "./api.js";
import { confirmDialog } from "./dialog.js";
import { byId, button, h, s, show } from "./dom.js";
import { bytes, count, time, uptime } from "./format.js";
import { codeBlock } from "./copy.js";
import { empty, notice, problem } from "./notice.js";
import { t } from "./page.js";
import { me } from "./shell.js";
import { stateMark } from "./states.js";

const EVERY_MS = 2000;
const REMEMBERED = 60; // looks back two minutes
const content = byId("content");
const live = byId("live");
const past = new Map(); // engine name: its latest numbers in flight
const cards = new Map(); // engine name: its card, kept so that focus and hover survive a refresh
let timer = null;

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
look();

async function look() {
  clearTimeout(timer);
  try {
    const [engines, { role }] = await Promise.all([all("/engines"), me]);
    showEngines(engines, role === "admin");
    show(
      live,
      h("span", { class: "state good" }, t("engines.live")),
      h("span", { class: "faint" }, time(Date.now())),
    );
  } catch (error) {
    cards.clear();
    show(content, problem(error, look));
    show(live, h("span", { class: "state bad" }, t("engines.not_live")));
    if (!("status" in error)) throw error;
  }
  if (!document.hidden) timer = setTimeout(look, EVERY_MS);
}

function showEngines(engines, isAdmin) {
  if (!engines.length) {
    cards.clear();
    show(
      content,
      empty(
        t("engines.empty"),
        t("engines.empty_hint"),
        codeBlock("longslope models pull mini\nlongslope up --models mini"),
      ),
    );
    return;
  }
  const names = engines.map(({ name }) => name).join("\n");
  if ([...cards.keys()].join("\n") !== names) {
    cards.clear();
    for (const engine of engines) cards.set(engine.name, card(engine, isAdmin));
    show(
      content,
      h(
        "div",
        { class: "engines" },
        [...cards.values()].map(({ node }) => node),
      ),
    );
  }
  for (const engine of engines) {
    const numbers = [...(past.get(engine.name) ?? []), engine.in_flight].slice(-REMEMBERED);
    past.set(engine.name, numbers);
    cards.get(engine.name).update(engine, numbers);
  }
}

/** A card that can be brought up to date in place. */
function card({ name, kind, version }, isAdmin) {
  const [state, load, facts, detail, spark] = ["span", "div", "dl", "p", "div"].map((tag) => h(tag));
  facts.className = "facts";
  detail.className = "engine-detail";
  spark.className = "spark";
  const restart = button(t("engines.restart"), () => confirmRestart(name, version), {
    kind: "small",
    iconName: "refresh",
  });
  const node = h(
    "article",
    { class: "panel engine" },
    h(
      "div",
      { class: "model-head" },
      h("h2", { class: "mono" }, name),
      h("span", { class: "tag" }, kind),
      state,
      isAdmin ? h("div", { class: "actions" }, restart) : null,
    ),
    detail,
    h("div", { class: "engine-load" }, load, spark),
    facts,
  );
  const update = (engine, numbers) => {
    show(state, stateMark(engine.state));
    detail.textContent = engine.detail;
    detail.hidden = !engine.detail;
    show(load, meter(engine));
    show(spark, sparkline(numbers, engine.capacity));
    show(facts, factsOf(engine));
  };
  return { node, update };
}

function meter({ in_flight: taken, capacity }) {
  return [
    h("p", { class: "meter-words" }, t("engines.places", { taken: count(taken), capacity: count(capacity) })),
    h("meter", { min: 0, max: Math.max(capacity, 1), value: taken, "aria-label": t("engines.in_flight") }),
  ];
}

function sparkline(numbers, capacity) {
  const [width, height] = [REMEMBERED - 1, 24];
  const top = Math.max(capacity > 32 ? Math.max(...numbers) : capacity, 1);
  const points = numbers.map(
    (value, at) => `${width - numbers.length + 1 + at},${(height - (value / top) * (height - 2)).toFixed(1)}`,
  );
  return s(
    "svg",
    {
      viewBox: `0 0 ${width} ${height + 1}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": t("engines.spark_alt"),
    },
    s("polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }),
  );
}

function factsOf(engine) {
  const fact = (label, value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  return [
    fact(t("engines.version"), h("span", { class: "mono" }, engine.version)),
    fact(t("engines.uptime"), engine.uptime_s > 0 ? uptime(engine.uptime_s) : "—"),
    fact(t("engines.restarts"), count(engine.restarts)),
    fact(t("engines.memory"), engine.memory_bytes === null ? "—" : bytes(engine.memory_bytes)),
    fact(t("engines.pid"), engine.pid ?? "—"),
  ];
}

function confirmRestart(name, version) {
  confirmDialog(
    t("engines.restart_title", { name }),
    t("engines.restart_words"),
    t("engines.restart"),
    async () => {
      await post(`/engines/${encodeURIComponent(version)}/restart`);
      notice(t("engines.restarting", { name }));
      look();
    },
  );
}
