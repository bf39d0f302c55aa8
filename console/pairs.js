// The properties of an event, or the context of an assignment, as people read them.

import { h } from "./dom.js";

export function pairs(found) {
  const entries = Object.entries(found ?? {});
  if (!entries.length) return "–";
  return h("span", { class: "small" },
    entries.map(([key, value], index) => [index ? ", " : "", h("span", { class: "soft" }, `${key} `),
        typeof value === "object" ? JSON.stringify(value) : String(value)]));
}
