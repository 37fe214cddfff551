// The recommender's HTTP API: every failure becomes an ApiError with words for people.

const told = document.querySelector('meta[name="streamrec-api"]')?.content ?? "";
export const ROOT = told ? `${told.replace(/\/+$/, "")}/` : new URL("../", import.meta.url).href;

const TIMEOUT_MS = 10_000;
const KEY = "streamrec-key";
const MOST_IDS = 60; // in one URL

let key = "";
try { key = sessionStorage.getItem(KEY) ?? ""; } catch { /* a browser that keeps nothing: asked again */ }

export function apiKey() { return key; }

export function setApiKey(given) {
  key = given.trim();
  try { sessionStorage.setItem(KEY, key); } catch { /* as above */ }
}

export class ApiError extends Error {
  constructor(kind, title, detail, status = 0) {
    super(`${title}: ${detail}`);
    Object.assign(this, { kind, title, detail, status });
  }
}

const KINDS = { 400: "bad", 401: "key", 403: "forbidden", 404: "missing", 413: "bad", 414: "bad", 422: "bad", 429: "busy" };
const TITLES = {
  bad: "The request does not fit", key: "A key is needed", forbidden: "This key may not do that", missing: "There is no such thing",
  busy: "Too much at once", down: "The recommender does not answer", failed: "The recommender failed",
};

// `query`: {name: value or list}; what is undefined, null or empty is left out. `file`: sent as it is, instead of a
// body in JSON. Returns the body, or null.
export async function call(method, path, { query = {}, body, file, signal, timeout_ms = TIMEOUT_MS } = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") url.searchParams.append(name, one);
    }
  }
  const headers = key ? { "X-API-Key": key } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (file !== undefined) headers["Content-Type"] = "application/octet-stream";
  const late = AbortSignal.timeout(timeout_ms);
  let answer;
  let text;
  try {
    answer = await fetch(url, {
      method, headers, body: file ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal: signal ? AbortSignal.any([signal, late]) : late, cache: "no-store",
    });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error; // the view is gone: nobody is told
    if (/[^\x20-\x7e]/.test(key)) throw new ApiError("key", TITLES.key, "The key has characters that no key can have.");
    const words = late.aborted ? `Nothing came within ${timeout_ms / 1000} s.` : `Nobody answers at ${new URL(ROOT).host}.`;
    throw new ApiError("down", TITLES.down, `${words} Is it running?`);
  }
  if (!answer.ok) throw problem(answer.status, text);
  if (!text) return null;
  try { return JSON.parse(text); } catch {
    throw new ApiError("failed", TITLES.failed, "It answered something that is not JSON.", answer.status);
  }
}

function problem(status, text) {
  let told = {};
  try { told = JSON.parse(text) ?? {}; } catch { /* a proxy's page, or nothing */ }
  const kind = KINDS[status] ?? (status >= 502 ? "down" : "failed");
  const detail = kind === "key"
    ? (key ? "The key that was entered is not one of its keys." : "This recommender answers only to those who send a key.")
    : told.detail ?? `It answered with status ${status}.`;
  return new ApiError(kind, kind === "down" && told.detail ? "A part does not answer" : TITLES[kind], detail, status);
}

export const get = (path, options) => call("GET", path, options);

// One path segment: an id may hold slashes, quotes and question marks. A segment of dots alone can't be
// sent: a browser takes it for a step in the path.
export function segment(id) {
  if (id === "." || id === "..") throw new ApiError("bad", TITLES.bad, `Browsers can't ask for the id ${JSON.stringify(id)}.`);
  return encodeURIComponent(id);
}

const titles = new Map();

export function titleOf(id) { return titles.get(id) || id; }

export function learnTitles(items) {
  for (const item of items) if (item.title) titles.set(item.item_id, item.title);
}

// Reads the titles of ids that are not known yet, with as few requests as there can be.
export async function readTitles(ids, signal) {
  const unknown = [...new Set(ids)].filter((id) => !titles.has(id));
  for (let first = 0; first < unknown.length; first += MOST_IDS) {
    const some = unknown.slice(first, first + MOST_IDS);
    const answer = await get("v1/recommendations", { query: { only_ids: some, k: some.length }, signal });
    for (const id of some) titles.set(id, "");
    learnTitles(answer.items);
  }
}
