// Layers: which experiment has which range of their users, and what is free.

import { all } from "./api.js";
import { h } from "./dom.js";
import { time } from "./format.js";
import { svg } from "./icons.js";

export async function view() {
  const [{ items }, { items: experiments }] = await Promise.all([all("/layers", "layers"),
      all("/experiments", "experiments")]);
  const names = new Map(experiments.map((each) => [each.id, each.name]));
  return { title: "Layers", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "Layers"),
    h("p", { class: "soft" }, "Experiments of one layer exclude each other: a user is in at most one of them."),
    items.length ? items.map((each) => layer(each, names))
      : h("section", { class: "card" }, h("h2", {}, "No layer yet"),
      h("p", { class: "soft" }, "Give an experiment a layer and a range, under Advanced, before it starts."))) };
}

// An archived experiment, which the list leaves out, goes by its id.
function layer({ key, ranges, free }, names) {
  const ink = (index) => `ink-${(index % 5) + 1}`;
  const bar = (range, name) => svg("rect",
    { class: name, x: `${range.from}%`, width: `${range.to - range.from}%`, y: 0, height: 16, rx: 3,
      fill: "currentColor" });
  return h("section", { class: "card stack tight" }, h("h2", { class: "mono" }, key),
    svg("svg", { class: "interval share", "aria-hidden": "true" }, ranges.map((each, index) => bar(each, ink(index)))),
    h("ul", { class: "plain" },
      ranges.map((each, index) => h("li", { class: "row close" }, h("span", { class: `dot ${ink(index)}`, "aria-hidden": "true" }), h("a", { href: `#/experiments/${encodeURIComponent(each.experiment_id)}` }, names.get(each.experiment_id) ?? each.experiment_id), h("span", { class: "soft" }, `${each.from}% to ${each.to}%${each.free_at ? `, free from ${time(each.free_at)}` : ""}`))),
      h("li", { class: "soft" }, free.length ? `Free: ${free.map((each) => `${each.from}% to ${each.to}%`).join(", ")}` : "Nothing is free.")));
}
