// Theme and language, remembered in cookies so that the server already writes the page as the user wants it.

import { base, language, t } from "./page.js";
import { byId } from "./dom.js";

const YEAR_S = 31_536_000;
const THEMES = ["system", "light", "dark"];
const ICONS = { system: "system", light: "sun", dark: "moon" };

function remember(cookie, value) {
  document.cookie = `${cookie}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

/** From the system's theme to light to dark and around. Charts listen for the event `themechange`. */
export function nextTheme() {
  const root = document.documentElement;
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  root.dataset.theme = theme;
  remember("longslope_theme", theme);
  markTheme(theme);
  window.dispatchEvent(new Event("themechange"));
}

function markTheme(theme) {
  const node = byId("theme-switch");
  if (!node) return;
  const words = `${t("shared.theme")}: ${t(`shared.theme_${theme}`)}`;
  node.setAttribute("aria-label", words);
  node.title = words;
  node.querySelector("use").setAttribute("href", `${base}/icons.svg#${ICONS[theme]}`);
}

/** The other language; the page is asked for again, drafts are kept by those who have any. */
export function nextLanguage() {
  remember("longslope_language", language === "zh" ? "en" : "zh");
  location.reload();
}

export function startSwitches() {
  markTheme(document.documentElement.dataset.theme);
  byId("theme-switch")?.addEventListener("click", nextTheme);
  byId("language-switch")?.addEventListener("click", nextLanguage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    window.dispatchEvent(new Event("themechange")),
  );
}
