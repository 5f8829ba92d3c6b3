// The page Playground: one prompt to up to four models at once, side by side.

import { all } from "./api.js";
import { append, byId, button, h, icon, show } from "./dom.js";
import { empty, notice, problem } from "./notice.js";
import { t } from "./page.js";
import { requestBody, ParameterError } from "./playground/body.js";
import { codeDialog } from "./playground/code_dialog.js";
import { Column } from "./playground/column.js";
import { keepConversations, keepDraft, readConversations, readDraft } from "./playground/drafts.js";
import { markInvalid, showParameters } from "./playground/parameters.js";
import { priceText } from "./prices.js";
import { addKey, isMac } from "./shortcuts.js";
import { codeBlock } from "./copy.js";
import "./shell.js";
import { count } from "./format.js";
import { someNotReady, stateMark, stateWords } from "./states.js";
import { wantsWelcome } from "./first_run.js";
import { watch } from "./watching.js";

const MOST = 4;
const draft = readDraft();
const place = byId("columns");
const prompt = byId("prompt");
const panel = byId("parameters");
const wide = matchMedia("(min-width: 1100px)");
const waitFor = watch(lookAtStates);
let columns = [];
let models = [];
let endpoints = [];

start();

async function start() {
  prompt.value = draft.prompt;
  grow();
  if (isMac) byId("composer-hint").firstElementChild.textContent = "⌘";
  showParameters(panel, draft, { onChange: keep, close: () => openParameters(false) });
  openParameters(draft.open && wide.matches, { focus: false });
  byId("send").disabled = true;
  try {
    [models, endpoints] = await Promise.all([all("/models"), all("/endpoints").catch(() => [])]);
    models = models.filter(({ kind }) => kind === "chat");
    if (await wantsWelcome()) return location.replace("/console/welcome");
  } catch (error) {
    return show(
      place,
      problem(error, () => location.reload()),
    );
  }
  if (!models.length) {
    return show(
      place,
      empty(
        t("playground.empty"),
        t("playground.empty_hint"),
        codeBlock("longslope models pull mini"),
        h("a", { class: "button", href: "/console/models" }, icon("models"), t("shared.nav_models")),
      ),
    );
  }
  startColumns();
  updateBusy();
  waitFor(someNotReady(models));
}

/** Brings the states up to date in place: in the selects, and in columns where nothing was said yet. */
async function lookAtStates() {
  const fresh = new Map((await all("/models")).map(({ name, state }) => [name, state]));
  const changed = models.filter(({ name, state }) => fresh.has(name) && fresh.get(name) !== state);
  for (const model of changed) model.state = fresh.get(model.name);
  if (changed.length) showStates(changed);
  return someNotReady(models);
}

function showStates(changed) {
  const words = new Map(changed.map((model) => [model.name, optionWords(model)]));
  for (const option of place.querySelectorAll("option")) {
    if (words.has(option.value)) option.textContent = words.get(option.value);
  }
  for (const column of columns) if (!column.messages.length) column.draw();
}

/** The columns that the address asks for, else those of the last visit, else the first two models that are ready. */
function startColumns() {
  const asked = new URLSearchParams(location.search).get("models")?.split(",") ?? [];
  const known = (name) =>
    models.some((model) => model.name === name || model.versions.some(({ id }) => id === name)) ||
    endpoints.some(({ id }) => id === name);
  const ready = [...models].sort((a, b) => Number(b.state === "ready") - Number(a.state === "ready"));
  const wished = [asked, draft.models, ready.slice(0, 2).map(({ name }) => name)].map((names) =>
    names.filter(known).slice(0, MOST),
  );
  const names = wished.find((each) => each.length);
  const talks = readConversations();
  columns = names.map((name, at) => makeColumn(name, talks[at]?.model === name ? talks[at].messages : []));
  showColumns();
}

function makeColumn(model, messages) {
  return new Column(model, messages, {
    choice,
    body: (column) => requestBody(column.model, column.messages, draft),
    onChange: () => {
      rescale();
      keep();
    },
    onBusy: updateBusy,
    onRemove: removeColumn,
    onCode: showCode,
    introduce,
  });
}

function showColumns() {
  show(
    place,
    columns.map(({ node }) => node),
  );
  place.style.setProperty("--columns", columns.length);
  place.classList.toggle("single", columns.length === 1);
  byId("add-column").disabled = columns.length >= MOST;
  for (const column of columns) column.log.scrollTop = column.log.scrollHeight;
  rescale();
}

/** A select of all that can be asked: models, their versions, endpoints. */
function choice(chosen, onChoose) {
  const option = (value, words) => h("option", { value, selected: value === chosen }, words);
  const group = (label, options) => (options.length ? h("optgroup", { label }, options) : null);
  const select = h("select", {
    "aria-label": t("playground.model"),
    on: { change: (event) => onChoose(event.target.value) },
  });
  const versions = models.flatMap((model) => model.versions.map(({ id }) => option(id, id)));
  append(select, [
    group(
      t("shared.nav_models"),
      models.map((model) => option(model.name, optionWords(model))),
    ),
    group(t("playground.versions"), versions),
    group(
      t("shared.nav_endpoints"),
      endpoints.map(({ id, name }) => option(id, `${name} (${id})`)),
    ),
  ]);
  return select;
}

function optionWords({ name, state }) {
  return state === "ready" ? name : t("playground.not_ready", { name, state: stateWords(state) });
}

function addColumn() {
  if (columns.length >= MOST) return;
  const unused = models.find(({ name }) => !columns.some(({ model }) => model === name)) ?? models[0];
  const column = makeColumn(unused.name, []);
  columns.push(column);
  showColumns();
  keep();
  column.node.scrollIntoView({ inline: "end", block: "nearest" });
  column.select.focus();
}

function removeColumn(column) {
  if (columns.length === 1) return column.clear();
  column.stop();
  columns = columns.filter((each) => each !== column);
  showColumns();
  updateBusy();
  keep();
}

/** What stands in a column before anything was said: who is asked. */
function introduce(asked) {
  const name = endpoints.find(({ id }) => id === asked)?.version ?? asked;
  const model = models.find((each) => each.name === name || each.versions.some(({ id }) => id === name));
  if (!model) return null;
  const version = model.versions.find(({ id }) => id === name || id === model.newest);
  return h(
    "div",
    { class: "introduction" },
    stateMark(model.state),
    h("p", {}, model.summary),
    h(
      "p",
      { class: "faint" },
      t("playground.context", { n: count(version?.context_length ?? 0) }),
      h("br"),
      t("playground.price", { price: priceText(model.price) }),
    ),
  );
}

/** Prompts to begin with, as long as nothing was said anywhere. */
function showExamples() {
  const place = byId("examples");
  place.hidden = columns.some(({ messages }) => messages.length) || !columns.length;
  if (place.hidden || place.childElementCount) return;
  const use = (text) => {
    prompt.value = text;
    prompt.dispatchEvent(new Event("input"));
    prompt.focus();
  };
  const prompts = ["example_1", "example_2", "example_3"].map((name) => t(`playground.${name}`));
  append(
    place,
    prompts.map((text) => button(text, () => use(text), { kind: "small" })),
  );
}

async function send() {
  const text = prompt.value.trim();
  if (!text || !columns.length || columns.some(({ busy }) => busy)) return;
  try {
    for (const column of columns) requestBody(column.model, [], draft); // refuse before anything is added
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    openParameters(true);
    markInvalid(panel, error.field);
    notice(t("playground.invalid", { field: t(`playground.${error.field}`), detail: error.message }), "bad");
    return;
  }
  prompt.value = "";
  draft.prompt = "";
  grow();
  const answers = columns.map((column) => column.say(text));
  await Promise.allSettled(answers);
}

function stop() {
  for (const column of columns) column.stop();
}

function updateBusy() {
  const busy = columns.some((column) => column.busy);
  byId("stop").hidden = !busy;
  byId("send").hidden = busy;
  byId("send").disabled = !columns.length;
  showExamples();
}

/** Draws the pictures of one turn to one scale: that of its slowest answer. */
function rescale() {
  const slowest = {};
  const pictures = [...place.querySelectorAll(".picture")].map((node) => ({
    node,
    turn: node.closest("[data-turn]").dataset.turn,
  }));
  for (const { node, turn } of pictures) {
    slowest[turn] = Math.max(slowest[turn] ?? 1, Number(node.style.getPropertyValue("--total")));
  }
  for (const { node, turn } of pictures) node.style.setProperty("--whole", slowest[turn]);
}

function showCode(column) {
  const next = prompt.value.trim();
  const messages = next ? [...column.messages, { role: "user", content: next }] : column.messages.slice();
  while (messages.at(-1)?.role === "assistant") messages.pop(); // the request that led to the last answer
  if (!messages.length) messages.push({ role: "user", content: t("playground.example_1") });
  try {
    codeDialog(requestBody(column.model, messages, draft));
  } catch (error) {
    notice(error.message, "bad");
  }
}

function openParameters(open, { focus = true } = {}) {
  panel.classList.toggle("open", open);
  panel.inert = !open;
  byId("parameters-open").setAttribute("aria-expanded", String(open));
  if (wide.matches) draft.open = open;
  if (focus)
    (open ? panel.querySelector("textarea") : byId("parameters-open")).focus({ preventScroll: true });
  keep();
}

function keep() {
  if (columns.length) draft.models = columns.map(({ model }) => model);
  keepDraft(draft);
  if (columns.length) keepConversations(columns.map(({ model, messages }) => ({ model, messages })));
}

/** The prompt box is as high as what is in it, up to a third of the window. */
function grow() {
  prompt.style.height = "auto";
  prompt.style.height = `${Math.min(prompt.scrollHeight + 2, innerHeight / 3)}px`;
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    send();
  }
});
prompt.addEventListener("input", () => {
  draft.prompt = prompt.value;
  grow();
  keepDraft(draft);
});
byId("stop").addEventListener("click", stop);
byId("add-column").addEventListener("click", addColumn);
byId("parameters-open").addEventListener("click", () => openParameters(!panel.classList.contains("open")));
byId("clear").addEventListener("click", clearAll);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (columns.some(({ busy }) => busy)) stop();
  else if (!wide.matches && panel.classList.contains("open")) openParameters(false);
});
addKey("p", t("playground.parameters"), () => openParameters(!panel.classList.contains("open")));
addKey("a", t("playground.add_model"), addColumn);
addKey("x", t("playground.clear"), clearAll);

function clearAll() {
  for (const column of columns) column.clear();
  showExamples();
  keep();
  prompt.focus();
}
