// How a request ended, in a word: answered, failed, or left by its client.

import { h } from "./dom.js";
import { t } from "./page.js";

const CLIENT_LEFT = 499;

/** A state mark; a failure shows its status and code. */
export function outcome({ status, error_code: code, finish_reason: reason }) {
  if (status === CLIENT_LEFT) return h("span", { class: "state quiet" }, t("shared.client_left"));
  if (status >= 400 || code) return h("span", { class: "state bad" }, `${status} ${code ?? ""}`.trim());
  return h("span", { class: "state good" }, reason ?? String(status));
}
