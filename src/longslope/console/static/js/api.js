// The way to the platform's API: same origin, the session's cookie, one shape of error.

import { local } from "./page.js";

const PLATFORM = "/platform/v1";
// The session rides on a cookie; a foreign page cannot set this header, so it cannot act in the user's name.
const HEADERS = { "X-Longslope-Console": "1" };

/** An answer that is no success. `message` says what was wrong and what to do. */
export class ApiError extends Error {
  constructor(status, detail) {
    super(detail.message);
    this.name = "ApiError";
    this.status = status;
    this.code = detail.code;
    this.param = detail.param ?? null;
    this.requestId = detail.request_id ?? null;
  }
}

/** Sends a request and gives the Response; throws ApiError. `path` is absolute. */
export async function send(method, path, { body, signal } = {}) {
  let response = await attempt(method, path, body, signal);
  if (response.status === 401 && local && (await renewSession())) {
    response = await attempt(method, path, body, signal);
  }
  if (response.ok) return response;
  const error = await readError(response);
  if (response.status === 401) goToSignIn();
  throw error;
}

async function attempt(method, path, body, signal) {
  const headers = body === undefined ? HEADERS : { ...HEADERS, "Content-Type": "application/json" };
  try {
    return await fetch(path, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "unreachable", message: error.message });
  }
}

let renewing = null;

/** On the platform's own machine each page brings a session along: asks for one, once for all callers that wait. */
function renewSession() {
  renewing ??= attempt("GET", location.pathname).then((response) => {
    renewing = null;
    return response.ok;
  });
  return renewing;
}

function goToSignIn() {
  const here = location.pathname + location.search;
  if (!location.pathname.startsWith("/console/sign-in")) {
    location.assign(`/console/sign-in?next=${encodeURIComponent(here)}`);
  }
}

async function readError(response) {
  const requestId = response.headers.get("X-Request-Id");
  try {
    const { error } = await response.json();
    return new ApiError(response.status, { request_id: requestId, ...error });
  } catch {
    return new ApiError(response.status, {
      code: String(response.status),
      message: `${response.status} ${response.statusText}`,
      request_id: requestId,
    });
  }
}

async function call(method, path, body) {
  const response = await send(method, PLATFORM + path, { body });
  return response.status === 204 ? null : response.json();
}

export const get = (path, query = {}) => call("GET", path + queryText(query));
export const post = (path, body) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);

/** Every row of a listing, page after page. */
export async function all(path, query = {}) {
  const rows = [];
  let cursor;
  do {
    const page = await get(path, { ...query, cursor });
    rows.push(...page.data);
    cursor = page.next;
  } while (cursor);
  return rows;
}

/** `?a=1&b=2` of the values that are neither empty nor absent. */
export function queryText(query) {
  const given = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
