// The first run: a model is ready, the first question is asked, the first call from one's own code is at hand.

import { all } from "./api.js";
import { button, byId, h, show } from "./dom.js";
import { markWelcomed } from "./first_run.js";
import { makeKey } from "./key_form.js";
import { codeBlock } from "./copy.js";
import { problem } from "./notice.js";
import { t } from "./page.js";
import { answerNode } from "./playground/answer.js";
import { ask } from "./playground/asking.js";
import "./shell.js";
import { openaiPython } from "./snippets.js";
import { stateMark } from "./states.js";

const EVERY_MS = 1500;
const place = byId("steps");
const [modelsStep, askStep, codeStep] = [1, 2, 3].map((number) => step(number));
let chosen = null;
let shown = null;
let timer = null;

byId("leave").addEventListener("click", markWelcomed);
show(place, modelsStep.node, askStep.node, codeStep.node);
showAsk();
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
look();

function step(number) {
  const body = h("div", { class: "step-body" });
  return {
    node: h(
      "li",
      { class: "step" },
      h("span", { class: "step-number", "aria-hidden": "true" }, number),
      h("div", {}, h("h2", {}, t(`welcome.step_${number}`)), body),
    ),
    body,
  };
}

/** Looks at the models until one that chats is ready. */
async function look() {
  clearTimeout(timer);
  let models;
  try {
    models = (await all("/models")).filter(({ kind }) => kind === "chat");
  } catch (error) {
    show(modelsStep.body, problem(error, look));
    return;
  }
  const ready = models.filter(({ state }) => state === "ready");
  if (!ready.some(({ name }) => name === chosen)) chosen = ready[0]?.name ?? null;
  showModels(models);
  askStep.body.querySelector("[type=submit]").disabled = chosen === null;
  const waiting = models.some(({ state }) => state === "starting") || chosen === null;
  if (waiting && !document.hidden) timer = setTimeout(look, EVERY_MS);
}

/** Draws the models only when one of them changed, so that the keyboard's place among them is kept. */
function showModels(models) {
  const states = JSON.stringify(models.map(({ name, state }) => [name, state]));
  if (states === shown) return;
  shown = states;
  modelsStep.node.classList.toggle("done", chosen !== null);
  const none = [
    h("p", {}, t("welcome.no_models")),
    codeBlock("longslope models pull mini\nlongslope up --models mini"),
  ];
  show(modelsStep.body, models.length ? modelList(models) : none);
  showCode();
}

function modelList(models) {
  const choose = (name) => {
    chosen = name;
    showCode();
  };
  return h(
    "div",
    { class: "model-choice", role: "radiogroup", "aria-label": t("welcome.step_1") },
    models.map(({ name, state, summary }) =>
      h(
        "label",
        { class: "model-option" },
        h("input", {
          type: "radio",
          name: "model",
          value: name,
          checked: name === chosen,
          disabled: state !== "ready",
          on: { change: () => choose(name) },
        }),
        h("span", {}, h("strong", {}, name), h("small", {}, summary)),
        stateMark(state),
      ),
    ),
  );
}

function showAsk() {
  const box = h("textarea", {
    rows: 2,
    "aria-label": t("welcome.question"),
    required: true,
    value: t("welcome.example"),
  });
  const place_ = h("div", { class: "first-answer", role: "log", "aria-live": "polite" });
  const form = h(
    "form",
    { class: "first-question" },
    box,
    button(t("welcome.ask"), null, { kind: "primary", type: "submit", iconName: "send" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    firstAnswer(box.value.trim(), place_, form);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  show(askStep.body, form, place_);
}

async function firstAnswer(question, log, form) {
  const submit = form.querySelector("[type=submit]");
  if (!question || !chosen || submit.disabled) return;
  submit.disabled = true;
  const message = { role: "assistant", content: "", measures: { first: null, total: null } };
  const answer = answerNode(message, { retry: () => firstAnswer(question, log, form) });
  log.setAttribute("aria-busy", "true");
  log.replaceChildren(answer.node);
  const body = {
    model: chosen,
    messages: [{ role: "user", content: question }],
    max_tokens: 512,
    stream: true,
    stream_options: { include_usage: true },
  };
  try {
    await ask(body, message, { signal: undefined, onChange: answer.redraw });
    markWelcomed();
    askStep.node.classList.add("done");
  } catch (error) {
    message.error = error;
    if (!("status" in error)) throw error;
  } finally {
    submit.disabled = false;
    answer.finish();
    log.setAttribute("aria-busy", "false");
    if (!message.error)
      log.append(
        h("p", { class: "next" }, h("a", { class: "button", href: "/" }, t("welcome.side_by_side"))),
      );
  }
}

function showCode() {
  const code = openaiPython(location.origin, {
    model: chosen ?? "mini",
    messages: [{ role: "user", content: t("welcome.example") }],
  });
  show(
    codeStep.body,
    h("p", { class: "lead" }, t("welcome.code_words")),
    codeBlock(code),
    h(
      "p",
      { class: "next" },
      button(t("welcome.make_key"), () => makeKey(async () => codeStep.node.classList.add("done")), {
        iconName: "keys",
      }),
    ),
  );
}
