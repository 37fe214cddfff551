// What both pages have: light and dark, and the key.

import { apiKey, setApiKey } from "./api.js";
import { ask } from "./dom.js";

const THEME = "streamrec-theme";

function theme(next) {
  const button = document.getElementById("theme-button");
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let held = next ?? null;
  try { if (next) localStorage.setItem(THEME, next); held = localStorage.getItem(THEME); } catch { /* a browser that keeps nothing */ }
  const now = held === "dark" || held === "light" ? held : system;
  const other = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = now;
  button.textContent = other === "dark" ? "Dark" : "Light";
  button.setAttribute("aria-label", `${button.textContent} colours`);
  button.onclick = () => theme(other);
}

async function enterKey(changed) {
  const given = await ask({
    title: "API key", confirm: "Use it",
    text: "It is kept in this tab until you close it, and sent to the recommender alone. Empty: none is sent.",
    fields: [{ name: "key", label: "Key", type: "password", value: apiKey() }],
  });
  if (given === null) return;
  setApiKey(given.key);
  changed();
}

export function makeFrame(keyChanged) {
  document.getElementById("key-button").addEventListener("click", () => enterKey(keyChanged));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());
  theme();
}
