// One variant, one colour, wherever it is named: the control's first, then in the order of the definition.

import { h } from "./dom.js";
import { variantTitle } from "./naming.js";

const INKS = 5;

export function placeOf(experiment, key) {
  const others = experiment.variants.map((each) => each.key).filter((each) => each !== experiment.control);
  return key === experiment.control ? 0 : 1 + others.indexOf(key);
}

export const inkOf = (experiment,
  key) => `ink-${placeOf(experiment, key) && ((placeOf(experiment, key) - 1) % INKS) + 1}`;

export function variantMark(experiment, key) {
  const title = variantTitle(experiment, key);
  const isControl = key === experiment.control && title.toLowerCase() !== "control";
  return h("span", { class: "variant" }, h("span", { class: `dot ${inkOf(experiment, key)}`, "aria-hidden": "true" }),
    h("span", {}, title, isControl ? h("span", { class: "soft" }, " control") : null));
}
