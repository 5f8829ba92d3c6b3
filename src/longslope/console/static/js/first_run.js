// Whether this is the first run: nobody has asked anything yet, and this browser has not seen the welcome.

import { get } from "./api.js";

const SEEN = "longslope.welcomed";

export function markWelcomed() {
  localStorage.setItem(SEEN, "1");
}

/** True where the welcome should be shown before the playground. */
export async function wantsWelcome() {
  if (localStorage.getItem(SEEN)) return false;
  const { data } = await get("/requests", { limit: 1 });
  if (data.length) markWelcomed();
  return !data.length;
}
