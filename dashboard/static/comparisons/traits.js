// Traits of the lists that were served lately: in the words and figures of the laboratory's diagnostics.

import { empty, h, moment, number, share, table } from "../dom.js";

export const TRAITS = [
  { name: "coverage", label: "coverage", hint: "share of the catalogue that is on some list", format: share },
  { name: "diversity", label: "diversity", hint: "main categories on a list, as a share of its items", format: (value) => number(value, 4) },
  { name: "popularity_bias", label: "popularity bias", hint: "choices that the listed items had", format: (value) => number(value, 1) },
  { name: "novelty", label: "novelty", hint: "rarity of the listed items, in bits", format: (value) => number(value, 4) },
];

// `lists`: of GET /v1/exposures. The figures of now, and a table of what each means behind them.
export function traitsPanel(lists) {
  const title = "Lists served lately";
  if (!lists.n_lists) return h("section", { class: "panel" }, h("h2", {}, title), empty("No lists yet", "They come with the first that is asked for."));
  return h("section", { class: "panel chart" }, h("h2", {}, title),
    h("p", { class: "faint" }, `The first ten items of the last ${number(lists.n_lists)} lists of one server, since ${moment(lists.since)}`),
    h("dl", { class: "tiles", "aria-label": title }, TRAITS.map((trait) => h("div", { class: "tile" },
      h("dt", {}, `${trait.label} at 10`), h("dd", {}, trait.format(lists[trait.name])), h("dd", { class: "faint" }, trait.hint)))),
    h("details", {}, h("summary", {}, "Table"), table(title, ["Trait", "At 10", "What it is"], TRAITS.map((trait) => [trait.label, trait.format(lists[trait.name]), trait.hint]))));
}
