// How many users an effect takes, before there is an experiment.

import { calculator } from "./calculator.js";
import { h } from "./dom.js";
import { evenWeights } from "./even_weights.js";
import { asNumber, field, number } from "./form.js";

const MOST_VARIANTS = 20;
const MOST_METRICS = 50;

export async function view() {
  const variants = number(2, { min: 2, max: MOST_VARIANTS, step: 1 });
  const metrics = number(1, { min: 1, max: MOST_METRICS, step: 1 });
  const within = (input, least, most) => Math.round(Math.min(most, Math.max(least, asNumber(input) ?? least)));
  const helper = calculator({
    weights: () => evenWeights(within(variants, 2, MOST_VARIANTS)).join(),
    primaries: () => within(metrics, 1, MOST_METRICS),
    more: h("div", { class: "thirds" },
      field("Variants of equal weight", variants, { hint: "The control is one of them." }),
      field("Primary metrics", metrics, { hint: "Each shares the risk of a false alarm." })),
  });
  helper.element.classList.add("wide");
  return { title: "Sample size", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "Sample size"),
    h("p", { class: "soft" }, "How many users, and how many days, an effect takes to be found."), helper.element) };
}
