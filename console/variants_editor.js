// The variants of an experiment: keys, weights with their live sum, configs, and which one is the control.

import { fill, h } from "./dom.js";
import { evenWeights } from "./even_weights.js";
import { area, asNumber, choice, field, lines, number, text } from "./form.js";

const STEPS = 10_000;

export function variantsEditor(experiment) {
  const sum = h("output", { class: "sum" });
  const control = choice([], "");
  let list = null;
  const refresh = () => {
    if (!list) return;
    const shown = list.values();
    const total = shown.reduce((all, each) => all + Math.round((each.weight ?? 0) * STEPS), 0) / STEPS;
    fill(sum, `Weights sum to ${total}%${total === 100 ? "" : total < 100 ? `: ${round(100 - total)}% missing` : `: ${round(total - 100)}% too much`}`);
    sum.className = total === 100 ? "sum" : "sum off";
    const kept = control.value || experiment.control;
    fill(control, shown.map((each) => h("option", { value: each.key }, each.key || "(no key)")));
    control.value = shown.some((each) => each.key === kept) ? kept : shown[0].key;
  };
  list = lines({
    values: experiment.variants, least: 2, most: 20, add: "Variant",
    empty: (index) => ({ key: `treatment-${index}`, weight: 0, config: null }),
    line: (variant, index) => line(variant, index, refresh),
    changed: refresh,
  });
  const even = h("button", { type: "button", class: "little", onclick: () => split(element, list, refresh) },
    "Split evenly");
  const element = h("fieldset", {},
    h("legend", {}, "Variants"),
    list.element,
    h("div", { "data-field": "/variants", "data-name": "Weights", class: "row" }, sum, even,
      h("p", { class: "fault" })),
    field("Control", control, { short: true, pointer: "/control", hint: "What the others are compared with." }));
  refresh();
  return { element, values: list.values, control: () => control.value };
}

const round = (value) => Math.round(value * STEPS) / STEPS;

function line(variant, index, refresh) {
  const key = text(variant.key, { required: true, maxlength: 64, oninput: refresh, autocapitalize: "none",
      spellcheck: "false" });
  const weight = number(variant.weight, { min: 0, max: 100, required: true, oninput: refresh });
  const name = text(variant.name, { maxlength: 200 });
  const config = area(variant.broken ? variant.config : variant.config === null || variant.config === undefined ? ""
    : JSON.stringify(variant.config), { rows: 1, spellcheck: "false" });
  const element = h("div", { class: "line triple" },
    field("Name for people", name, { pointer: `/variants/${index}/name` }),
    field("Key", key, { pointer: `/variants/${index}/key` }),
    field("Weight in percent", weight, { pointer: `/variants/${index}/weight` }),
    h("div", { class: "whole" }, field("Config (JSON)", config,
        { pointer: `/variants/${index}/config`,
          hint: index ? null : "What your program gets with the variant; may be empty." })));
  element.setWeight = (value) => { weight.value = value; };
  return { element, value: () => ({ key: key.value.trim(), name: name.value.trim() || null, weight: asNumber(weight),
        ...parsed(config) }) };
}

// A text that is not JSON is kept as it is, and marked.
function parsed(config) {
  if (!config.value.trim()) return { config: null };
  try {
    return { config: JSON.parse(config.value) };
  } catch {
    return { config: config.value, broken: true };
  }
}

function split(element, list, refresh) {
  const all = [...element.querySelectorAll(".line")];
  const weights = evenWeights(all.length);
  all.forEach((each, index) => each.setWeight(weights[index]));
  refresh();
}
