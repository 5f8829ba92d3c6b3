// How the states of engines and keys are said and coloured.

import { h } from "./dom.js";
import { wordsOr } from "./page.js";

const KINDS = {
  ready: "good",
  active: "good",
  starting: "warn",
  draining: "warn",
  down: "bad",
  revoked: "quiet",
  expired: "quiet",
  "not running": "quiet",
  stopped: "quiet",
};

/** The state as a dot and a word. */
export function stateMark(state) {
  return h("span", { class: `state ${KINDS[state] ?? "warn"}` }, wordsOr(`states.${state.replaceAll(" ", "_")}`, state));
}
