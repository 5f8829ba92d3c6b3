// What the playground remembers. Models, parameters and the unsent prompt stay on this browser; conversations only
// as long as the tab, since they may hold what nobody else should read.

const DRAFT = "longslope.playground";
const TALK = "longslope.playground.conversations";

export const DEFAULTS = {
  models: [],
  system: "",
  temperature: "",
  top_p: "",
  max_tokens: "",
  seed: "",
  format: "text",
  schema: "",
  tools: "",
  prompt: "",
  open: true,
};

/** The draft as it was left, with defaults for what is missing. */
export function readDraft() {
  return { ...DEFAULTS, ...read(localStorage, DRAFT) };
}

export function keepDraft(draft) {
  write(localStorage, DRAFT, draft);
}

/** The conversations of this tab: one list of messages a column. */
export function readConversations() {
  const kept = read(sessionStorage, TALK);
  return Array.isArray(kept) ? kept : [];
}

export function keepConversations(conversations) {
  write(sessionStorage, TALK, conversations);
}

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Full or forbidden: the page works on, it only forgets.
  }
}
