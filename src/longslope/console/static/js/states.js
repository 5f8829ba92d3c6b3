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

/** The state in the user's language; one that a newer server may add stands as it came. */
export const stateWords = (state) => wordsOr(`states.${state.replaceAll(" ", "_")}`, state);

/** The state as a dot and a word. */
export function stateMark(state) {
  return h("span", { class: `state ${KINDS[state] ?? "warn"}` }, stateWords(state));
}

/** Whether some model may still become ready, so that it is worth looking again. */
export const someNotReady = (models) => models.some(({ state }) => state !== "ready");
