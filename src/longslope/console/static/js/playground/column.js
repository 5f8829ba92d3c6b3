// One model's side of the conversation: whom it asks, what was said, and what is coming in.

import { h, iconButton, show } from "../dom.js";
import { t } from "../page.js";
import { answerNode } from "./answer.js";
import { ask } from "./asking.js";

/**
 * A column. `choice` makes the select of models; the callbacks tell the page what it must know: `onChange` when
 * something that is kept changed, `onBusy` when streaming began or ended, `body` makes a request's body and may throw.
 */
export class Column {
  constructor(model, messages, { choice, body, onChange, onBusy, onRemove, onCode, introduce }) {
    Object.assign(this, { model, messages, body, onChange, onBusy, introduce, stopper: null });
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", tabindex: "0" });
    this.select = choice(model, (chosen) => {
      this.model = chosen;
      this.name();
      if (!this.messages.length) this.draw();
      onChange();
    });
    this.node = h(
      "section",
      { class: "column" },
      h(
        "header",
        { class: "column-head" },
        this.select,
        iconButton("code", t("playground.code"), () => onCode(this), {}),
        iconButton("close", t("playground.remove"), () => onRemove(this), {
          class: "button ghost icon-only remove",
        }),
      ),
      this.log,
    );
    this.name();
    this.draw();
  }

  get busy() {
    return this.stopper !== null;
  }

  name() {
    this.node.setAttribute("aria-label", this.model);
    this.log.setAttribute("aria-label", t("playground.answers_of", { model: this.model }));
  }

  /** Draws all that was said so far. */
  draw() {
    if (!this.messages.length) {
      show(this.log, this.introduce(this.model));
      return;
    }
    show(
      this.log,
      this.messages.map((message) => this.messageNode(message)),
    );
    this.log.scrollTop = this.log.scrollHeight;
  }

  messageNode(message) {
    if (message.role === "user")
      return h(
        "div",
        { class: "question" },
        h("span", { class: "visually-hidden" }, t("playground.you")),
        h("p", {}, message.content),
      );
    if (message.role === "tool")
      return h(
        "div",
        { class: "question tool-result" },
        h("span", { class: "faint" }, t("playground.tool_result")),
        h("pre", {}, message.content),
      );
    const answer = this.answerNode(message);
    answer.finish();
    return answer.node;
  }

  /** An answer's node; `data-turn` says to which question it belongs, so that columns can be compared. */
  answerNode(message) {
    const answer = answerNode(message, {
      retry: () => this.again(),
      toolAnswerer: (call) => this.toolAnswerer(message, call),
    });
    const before = this.messages.slice(0, this.messages.indexOf(message));
    answer.node.dataset.turn = before.filter(({ role }) => role === "user").length;
    return answer;
  }

  /** What sends a tool's answer, or null where the call has one or the talk went on without. */
  toolAnswerer(message, call) {
    const later = this.messages.slice(this.messages.indexOf(message) + 1);
    const isOpen = later.every(({ role, tool_call_id: id }) => role === "tool" && id !== call.id);
    return isOpen && !this.busy ? (result) => this.addToolResult(message, call, result) : null;
  }

  /** Adds a question and streams the answer. */
  async say(content) {
    this.dropFailed();
    this.messages.push({ role: "user", content });
    await this.answer();
  }

  /** Asks the last question once more, after a failure. */
  async again() {
    this.dropFailed();
    await this.answer();
  }

  dropFailed() {
    while (this.messages.at(-1)?.error) this.messages.pop();
  }

  async addToolResult(message, call, result) {
    const at = this.messages.indexOf(message);
    this.messages.splice(at + 1, 0, { role: "tool", tool_call_id: call.id, content: result });
    const answered = new Set(this.messages.slice(at + 1).map(({ tool_call_id: id }) => id));
    if (message.tool_calls.every(({ id }) => answered.has(id))) await this.answer();
    else this.draw();
  }

  async answer() {
    const body = this.body(this);
    const message = { role: "assistant", content: "", measures: { first: null, total: null } };
    this.draw();
    this.messages.push(message);
    const answer = this.answerNode(message);
    this.log.append(answer.node);
    this.setStopper(new AbortController());
    try {
      await ask(body, message, { signal: this.stopper.signal, onChange: () => this.follow(answer.redraw) });
    } catch (error) {
      message.error = {
        message: error.message,
        code: error.code,
        status: error.status,
        requestId: error.requestId,
      };
      if (!("status" in error)) throw error; // a fault of the console: leave its trace in the log as well
    } finally {
      this.setStopper(null);
      this.follow(answer.finish);
      this.onChange();
    }
  }

  /** Changes what is shown and keeps the end in view, unless the user scrolled away from it. */
  follow(change) {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 48;
    change();
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  setStopper(stopper) {
    this.stopper = stopper;
    this.log.setAttribute("aria-busy", String(this.busy)); // read out when it is whole, not word by word
    this.node.classList.toggle("busy", this.busy);
    this.select.disabled = this.busy;
    this.onBusy();
  }

  stop() {
    this.stopper?.abort();
  }

  clear() {
    this.stop();
    this.messages = [];
    this.draw();
  }
}
