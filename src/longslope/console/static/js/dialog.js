// Dialogs on <dialog>: a form that sends, a question before something is taken away, and plain content.

import { button, h, iconButton, show } from "./dom.js";
import { problem } from "./notice.js";
import { t } from "./page.js";

let dialogs = 0;

/** Opens a dialog; it is removed when it closes. Gives the element, with `close()`. */
export function openDialog(title, body, { wide = false } = {}) {
  const id = `dialog-${(dialogs += 1)}`;
  const dialog = h(
    "dialog",
    { class: wide ? "dialog wide" : "dialog", "aria-labelledby": id },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id }, title),
      iconButton("close", t("shared.close"), () => dialog.close()),
    ),
    body,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * A dialog with a form. `fields` are nodes; `send(values)` gets the form's values and may throw, then the problem
 * stands above the buttons and nothing that was typed is lost. Closes when `send` is done.
 */
export function formDialog(title, fields, submitWords, send, { wide = false, lead = null } = {}) {
  const trouble = h("div", {});
  const submit = button(submitWords, null, { kind: "primary", type: "submit" });
  const form = h(
    "form",
    { class: "dialog-form", method: "dialog" },
    h("div", { class: "dialog-body" }, lead ? h("p", { class: "lead" }, lead) : null, fields, trouble),
    h(
      "div",
      { class: "dialog-foot" },
      button(t("shared.cancel"), () => dialog.close(), { kind: "ghost" }),
      submit,
    ),
  );
  const dialog = openDialog(title, form, { wide });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    show(trouble);
    try {
      await send(Object.fromEntries(new FormData(form)), form);
      dialog.close();
    } catch (error) {
      show(trouble, problem(error));
      trouble.scrollIntoView({ block: "nearest" });
      if (!("status" in error)) throw error;
    } finally {
      submit.disabled = false;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  return dialog;
}

/** Asks before `act` takes something away. */
export function confirmDialog(title, words, actWords, act) {
  const dialog = formDialog(title, [h("p", {}, words)], actWords, act);
  dialog.querySelector("button[type=submit]").classList.replace("primary", "danger");
  return dialog;
}

/** A labelled control. `hint` stands below it and is read after it. */
export function field(label, control, hint = null) {
  const hintId = hint ? `hint-${(dialogs += 1)}` : null;
  if (hintId) control.setAttribute("aria-describedby", hintId);
  return h(
    "div",
    { class: "field" },
    h("label", {}, h("span", {}, label), control),
    hint ? h("small", { id: hintId }, hint) : null,
  );
}

/** A select of `[value, words]` pairs. */
export function select(name, options, chosen = "", attributes = {}) {
  return h(
    "select",
    { name, ...attributes },
    options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)),
  );
}
