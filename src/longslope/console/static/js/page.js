// What the server wrote into the page: the language's words, the address of the static files, and whether the
// browser sits on the platform's own machine.

const page = JSON.parse(document.getElementById("page").textContent);

export const { base, language, local, name } = page;

/** The words behind `key` ("table.name"), with `{name}` filled in from `values`. */
export function t(key, values = {}) {
  const words = page.words[key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  return words.replace(/\{(\w+)\}/g, (whole, field) => (field in values ? String(values[field]) : whole));
}

/** The words behind `key`, or `fallback` where there are none. */
export function wordsOr(key, fallback) {
  return page.words[key] ?? fallback;
}
