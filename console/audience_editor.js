// Who may take part: a condition on the context, and a range of a layer that experiments share.

import { h } from "./dom.js";
import { area, asNumber, field, number, text } from "./form.js";

export function audienceEditor(audience) {
  const broken = typeof audience === "string"; // typed before, and not JSON yet
  const condition = area(audience === null ? "" : broken ? audience : JSON.stringify(audience, null, 2), { rows: 3, spellcheck: "false", class: "mono", placeholder: '{"country": {"$in": ["DE", "AT"]}}' });
  const element = h("fieldset", {}, h("legend", {}, "Audience"),
    field("Condition (JSON)", condition, { pointer: "/audience", hint: "Of the context sent with an assignment; users who do not meet it get no variant. Empty: everybody." }));
  const value = () => {
    if (!condition.value.trim()) return null;
    try {
      return JSON.parse(condition.value);
    } catch {
      return condition.value;
    }
  };
  return { element, value };
}

export function layerEditor(layer) {
  const key = text(layer?.key, { maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  const from = number(layer?.from ?? 0, { min: 0, max: 100 });
  const to = number(layer?.to ?? 100, { min: 0, max: 100 });
  const element = h("fieldset", { "data-field": "/layer", "data-name": "Layer" }, h("legend", { class: "minor" }, "Layer"),
    h("p", { class: "hint" }, "Experiments of one layer exclude each other: each has a range of its users. ", h("a", { href: "#/layers" }, "What is free?")), h("p", { class: "fault" }),
    h("div", { class: "thirds" }, field("Layer", key, { pointer: "/layer/key" }), field("From percent", from, { pointer: "/layer/from" }), field("To percent", to, { pointer: "/layer/to" })));
  return { element, value: () => (key.value.trim() ? { key: key.value.trim(), from: asNumber(from), to: asNumber(to) } : null) };
}

export function prerequisiteEditor(prerequisite) {
  const other = text(prerequisite?.experiment_id, { maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  const variants = text(prerequisite?.variants.join(", "));
  const element = h("fieldset", { "data-field": "/prerequisite", "data-name": "Prerequisite" }, h("legend", { class: "minor" }, "Prerequisite"),
    h("p", { class: "hint" }, "Another experiment, such as a holdout, in which users must have one of these variants."), h("p", { class: "fault" }),
    h("div", { class: "thirds" }, field("Experiment id", other, { pointer: "/prerequisite/experiment_id" }), field("Its variants, comma-separated", variants, { pointer: "/prerequisite/variants" })));
  return { element, value: () => (other.value.trim() ? { experiment_id: other.value.trim(), variants: variants.value.split(",").map((each) => each.trim()).filter(Boolean) } : null) };
}
