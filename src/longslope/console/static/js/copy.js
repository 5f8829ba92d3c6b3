// Copying to the clipboard, also where the page is not a secure context and the clipboard API is missing.

import { button, h, icon, iconButton } from "./dom.js";
import { t } from "./page.js";

const SHOWN_MS = 1600; // how long "copied" stands

/** Copies `text`; true where it worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const area = h("textarea", { class: "visually-hidden", value: text, readonly: true });
  const dialog = document.querySelector("dialog[open]");
  (dialog ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** A button that copies what `read()` gives, and says so for a moment. */
export function copyButton(read, attributes = {}) {
  const node = button(t("shared.copy"), null, { iconName: "copy", ...attributes });
  const label = node.lastChild;
  answerClicks(node, read, (words) => (label.textContent = words));
  return node;
}

/** The same with no words but its icon's name and tooltip. */
function copyIcon(read) {
  const node = iconButton("copy", t("shared.copy"), () => {}, { class: "button small icon-only" });
  answerClicks(node, read, (words, done) => {
    node.title = words;
    node.setAttribute("aria-label", words);
    node.replaceChildren(icon(done ? "check" : "copy"));
  });
  return node;
}

function answerClicks(node, read, say) {
  node.addEventListener("click", async () => {
    const done = await copy(read());
    say(done ? t("shared.copied") : t("shared.copy_failed"), done);
    node.classList.toggle("done", done);
    setTimeout(() => {
      say(t("shared.copy"), false);
      node.classList.remove("done");
    }, SHOWN_MS);
  });
}

/** An id in small type that copies itself when it is clicked. */
export function copyable(text, shown = text) {
  const node = h(
    "button",
    { class: "copyable", type: "button", title: t("shared.copy_this", { text }) },
    shown,
  );
  node.addEventListener("click", async () => {
    if (!(await copy(text))) return;
    node.classList.add("done");
    node.dataset.done = t("shared.copied");
    setTimeout(() => node.classList.remove("done"), SHOWN_MS);
  });
  return node;
}

/** A block of code with a copy button in its corner. */
export function codeBlock(text, label = null) {
  return h(
    "div",
    { class: "code-block" },
    h("pre", { tabindex: "0", "aria-label": label }, h("code", {}, text)),
    copyIcon(() => text),
  );
}
