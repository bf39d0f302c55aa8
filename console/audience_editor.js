// Who may take part: a condition on the context, and a range of a layer that experiments share.

import { OPERATORS, conditionOf, isFilled, linesOf } from "./audience.js";
import { fill, freshId, h } from "./dom.js";
import { say } from "./feedback.js";
import { area, asNumber, choice, field, lines, number, text } from "./form.js";

// One line for each thing that is asked of the context, all of which must hold; JSON for those who need more.
export function audienceEditor(audience) {
  const place = h("div", { class: "stack tight" });
  const element = h("fieldset", { "data-field": "/audience", "data-name": "Audience" }, h("legend", {}, "Audience"),
    h("p", { class: "hint" },
      "Who may take part, by the context that is sent with an assignment. No line: everybody. Numbers, true and false are read as such; in quotation marks they are text."), h("p", { class: "fault" }), place);
  let shown = null;
  const asLines = (condition) => {
    shown = lineEditor(condition);
    fill(place, shown.element, h("button", { type: "button", class: "link", onclick: () => asJson(shown.value()) },
        "Write it as JSON"));
  };
  const asJson = (condition) => {
    shown = jsonEditor(condition);
    const back = h("button", { type: "button", class: "link", onclick: () => {
      const written = shown.value();
      if (typeof written !== "string" && linesOf(written)) asLines(written);
      else say("Lines cannot say this: it is not valid JSON, or it needs more than lines can say.");
    } }, "Write it in lines");
    fill(place, shown.element, back);
  };
  (typeof audience !== "string" && linesOf(audience) ? asLines : asJson)(audience); // text was typed before, and is not JSON yet
  return { element, value: () => shown.value(), lines: () => shown.lines() };
}

function lineEditor(condition) {
  const before = linesOf(condition);
  const list = lines({ values: before, add: "Condition", empty: () => ({ key: "", op: "$in", value: "" }),
      line: audienceLine });
  const filled = () => list.values().filter(isFilled);
  const value = () => (JSON.stringify(filled()) === JSON.stringify(before) ? condition : conditionOf(filled()));
  return { element: list.element, value, lines: list.values };
}

function audienceLine({ key, op, value }, index) {
  const name = text(key, { maxlength: 64, autocapitalize: "none", spellcheck: "false", placeholder: "country" });
  const operator = choice(Object.entries(OPERATORS).map(([each, [words]]) => [each, words]), op,
    { onchange: () => refresh() });
  const asked = text(value, { autocapitalize: "none", spellcheck: "false" });
  const hint = h("span");
  const valueField = field("Value", asked, { pointer: `/audience_lines/${index}/value`, hint });
  const refresh = () => {
    const kind = OPERATORS[operator.value][1];
    valueField.hidden = kind === "none";
    asked.placeholder = kind === "list" ? "DE, AT" : kind === "text" ? "2.4.0" : "DE";
    hint.textContent = kind === "list" ? "Several, with commas." : "";
  };
  refresh();
  return {
    element: h("div", { class: "line triple" }, field("Context key", name, { pointer: `/audience_lines/${index}/key` }),
      field("Condition", operator), valueField),
    value: () => ({ key: name.value.trim(), op: operator.value,
        value: OPERATORS[operator.value][1] === "none" ? "" : asked.value }),
  };
}

function jsonEditor(condition) {
  const written = area(condition === null ? "" : typeof condition === "string" ? condition
    : JSON.stringify(condition, null, 2),
    { rows: 4, spellcheck: "false", class: "mono", placeholder: '{"country": {"$in": ["DE", "AT"]}}' });
  const value = () => {
    if (!written.value.trim()) return null;
    try {
      return JSON.parse(written.value);
    } catch {
      return written.value;
    }
  };
  return { element: field("Condition (JSON)", written, { hint: "In the language of GrowthBook's SDKs." }), value,
    lines: () => [] };
}

// `known` are the layers that there are.
export function layerEditor(layer, known) {
  const keys = freshId("layers");
  const key = text(layer?.key, { maxlength: 64, autocapitalize: "none", spellcheck: "false", list: keys });
  const from = number(layer?.from ?? 0, { min: 0, max: 100 });
  const to = number(layer?.to ?? 100, { min: 0, max: 100 });
  const element = h("fieldset", { "data-field": "/layer", "data-name": "Layer" },
    h("legend", { class: "minor" }, "Layer"),
    h("p", { class: "hint" }, "Experiments of one layer exclude each other: each has a range of its users. ",
      h("a", { href: "#/layers" }, "What is free?")), h("p", { class: "fault" }),
    h("datalist", { id: keys }, known.map((each) => h("option", { value: each.key }, free(each)))),
    h("div", { class: "thirds" }, field("Layer", key, { pointer: "/layer/key" }),
      field("From percent", from, { pointer: "/layer/from" }), field("To percent", to, { pointer: "/layer/to" })));
  return { element, value: () => (key.value.trim() ? { key: key.value.trim(), from: asNumber(from), to: asNumber(to) }
      : null) };
}

const free = (layer) => (layer.free.length ? `free: ${layer.free.map((each) => `${each.from}% to ${each.to}%`).join(", ")}` : "nothing is free");

// `known` are the experiments that there are.
export function prerequisiteEditor(prerequisite, known) {
  const ids = freshId("experiments");
  const chosen = () => { variants.placeholder = (known.find((each) => each.id === other.value)?.variants ?? [])
    .map((each) => each.key).join(", "); };
  const other = text(prerequisite?.experiment_id,
    { maxlength: 64, autocapitalize: "none", spellcheck: "false", list: ids, oninput: chosen });
  const variants = text(prerequisite?.variants.join(", "));
  chosen();
  const element = h("fieldset", { "data-field": "/prerequisite", "data-name": "Prerequisite" },
    h("legend", { class: "minor" }, "Prerequisite"),
    h("p", { class: "hint" }, "Another experiment, such as a holdout, in which users must have one of these variants."),
      h("p", { class: "fault" }),
    h("datalist", { id: ids }, known.map((each) => h("option", { value: each.id }, each.name))),
    h("div", { class: "thirds" }, field("Experiment id", other, { pointer: "/prerequisite/experiment_id" }),
      field("Its variants, comma-separated", variants, { pointer: "/prerequisite/variants" })));
  return { element, value: () => (other.value.trim()
      ? { experiment_id: other.value.trim(),
        variants: variants.value.split(",").map((each) => each.trim()).filter(Boolean) } : null) };
}
