// How many users an effect takes, before there is an experiment.

import { calculator } from "./calculator.js";
import { h } from "./dom.js";

export async function view() {
  const helper = calculator({ weights: () => "50,50", primaries: () => 1 });
  return { title: "Sample size", element: h("div", { class: "stack narrow" }, h("h1", { tabindex: -1 }, "Sample size"),
    h("p", { class: "soft" }, "How many users, and how many days, an effect takes to be found. Two variants of equal weight, one primary metric."), helper.element) };
}
