// What every page has: the menu on small screens, the switches, the shortcuts, and who is signed in.

import { get, remove } from "./api.js";
import { byId, h, show } from "./dom.js";
import { t } from "./page.js";
import { openSheet, startShortcuts } from "./shortcuts.js";
import { startSwitches } from "./switches.js";

startSwitches();
startShortcuts();
byId("shortcuts-open")?.addEventListener("click", openSheet);
byId("sign-out")?.addEventListener("click", async () => {
  await remove("/session");
  location.assign("/console/sign-in");
});
if (byId("menu-open")) startMenu();

/** Who is signed in: `{project_id, project_name, role, key_id, currency}`. Asked once a page. */
export const me = get("/me");
me.then(showMe, () => {}); // whoever awaits it shows the problem where it matters

function showMe({ project_name: project, role }) {
  const who = byId("who");
  if (!who) return;
  show(who, h("strong", {}, project), h("span", {}, t(`shared.role_${role}`)));
  who.hidden = false;
}

function startMenu() {
  const [opener, sidebar, scrim] = [byId("menu-open"), byId("sidebar"), byId("scrim")];
  const setOpen = (open) => {
    sidebar.classList.toggle("open", open);
    scrim.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (open) sidebar.querySelector("[aria-current], a").focus();
    else opener.focus();
  };
  opener.addEventListener("click", () => setOpen(!sidebar.classList.contains("open")));
  scrim.addEventListener("click", () => setOpen(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && sidebar.classList.contains("open")) setOpen(false);
  });
}
