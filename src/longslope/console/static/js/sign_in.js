// The page where a browser that is not on the platform's machine shows a key, once, for a session's cookie.

import { ApiError, post } from "./api.js";
import { byId, show } from "./dom.js";
import { problem } from "./notice.js";
import { startSwitches } from "./switches.js";

startSwitches();
const form = byId("form");
const key = byId("key");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const submit = form.querySelector("[type=submit]");
  submit.disabled = true;
  try {
    await post("/session", { key: key.value.trim() });
    location.assign(whereTo());
  } catch (error) {
    show(byId("problem"), problem(error));
    key.select();
    if (!(error instanceof ApiError)) throw error;
  } finally {
    submit.disabled = false;
  }
});

/** Where the user was going. Only a path of this console, never another site. */
function whereTo() {
  const next = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return next.origin === location.origin ? next.pathname + next.search : "/";
}
