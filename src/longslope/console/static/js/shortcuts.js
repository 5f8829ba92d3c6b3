// The keyboard: single keys where nothing is being typed, `g` and a letter to go to a page, `?` for the sheet.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./page.js";
import { nextLanguage, nextTheme } from "./switches.js";

const OFF = "longslope.single-keys-off";
const CHORD_MS = 1500;
const pageKeys = [];
let goUntil = 0;

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** Adds a key of the page: pressed alone, outside of any field, it does `act`; `words` stand in the sheet. */
export function addKey(key, words, act) {
  pageKeys.push({ key, words, act });
}

function general() {
  return [
    { key: "?", words: t("shared.key_sheet"), act: openSheet },
    { key: "/", words: t("shared.key_focus"), act: focusFirst },
    { key: "n", words: t("shared.key_new"), act: () => document.querySelector("[data-new]")?.click() },
    { key: "t", words: t("shared.key_theme"), act: nextTheme },
    { key: "l", words: t("shared.key_language"), act: nextLanguage },
  ];
}

function focusFirst() {
  document.querySelector("#prompt, main input[type=search], main input, main select")?.focus();
}

function isTyping(target) {
  return (
    target.closest?.("input, textarea, select, [contenteditable]") !== null && target.type !== "checkbox"
  );
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (localStorage.getItem(OFF) && event.key !== "?") return;
  if (Date.now() < goUntil) {
    goUntil = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
      return;
    }
  }
  if (event.key === "g") {
    goUntil = Date.now() + CHORD_MS;
    return;
  }
  const found = [...pageKeys, ...general()].find((each) => each.key === event.key);
  if (!found) return;
  event.preventDefault();
  found.act();
}

/** The sheet of all shortcuts. */
export function openSheet() {
  const row = (keys, words) =>
    h(
      "tr",
      {},
      h(
        "td",
        {},
        keys.map((key) => [h("kbd", {}, key), " "]),
      ),
      h("td", {}, words),
    );
  const go = [...document.querySelectorAll("[data-go]")].map((link) =>
    row(["g", link.dataset.go], link.querySelector("span").textContent),
  );
  const off = h("input", {
    type: "checkbox",
    checked: !localStorage.getItem(OFF),
    on: {
      change: (event) =>
        event.target.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"),
    },
  });
  openDialog(
    t("shared.shortcuts"),
    h(
      "div",
      { class: "dialog-body" },
      h(
        "table",
        { class: "keys-table" },
        h(
          "tbody",
          {},
          row([isMac ? "⌘" : "Ctrl", "Enter"], t("shared.key_send")),
          row(["Esc"], t("shared.key_escape")),
        ),
        h(
          "tbody",
          {},
          [...pageKeys, ...general()].map(({ key, words }) => row([key], words)),
        ),
        h("tbody", {}, go),
      ),
      h("label", { class: "check" }, off, h("span", {}, t("shared.single_keys"))),
    ),
  );
}

export function startShortcuts() {
  document.addEventListener("keydown", onKey);
}
