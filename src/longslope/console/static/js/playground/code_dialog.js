// "Copy as": the request of a column as code for elsewhere.

import { codeBlock } from "../copy.js";
import { openDialog } from "../dialog.js";
import { h, show } from "../dom.js";
import { t } from "../page.js";
import { arkPython, chatCurl, openaiPython } from "../snippets.js";

const KINDS = [
  ["curl", chatCurl],
  ["Python", openaiPython],
  ["Ark SDK", arkPython],
];
let last = 0;

/** Shows `body` as code in three kinds; the last one looked at comes first the next time. */
export function codeDialog(body) {
  const place = h("div", { role: "tabpanel", id: "code-panel", tabindex: "-1" });
  const tabs = KINDS.map(([words], at) =>
    h(
      "button",
      { type: "button", role: "tab", "aria-controls": "code-panel", on: { click: () => choose(at) } },
      words,
    ),
  );
  const choose = (at) => {
    last = at;
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === at));
      tab.tabIndex = index === at ? 0 : -1;
    });
    show(place, codeBlock(KINDS[at][1](location.origin, body), KINDS[at][0]));
  };
  const list = h("div", { class: "segments", role: "tablist", "aria-label": t("playground.code") }, tabs);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose((last + step + KINDS.length) % KINDS.length);
    tabs[last].focus();
  });
  choose(last);
  openDialog(
    t("playground.code"),
    h("div", { class: "dialog-body" }, h("p", { class: "lead" }, t("playground.code_lead")), list, place),
    { wide: true },
  );
}
