// The metrics of an experiment: what is measured, of which events, and what it decides.

import { fill, freshId, h } from "./dom.js";
import { asNumber, choice, field, lines, number, text } from "./form.js";

const KINDS = [["conversion", "Conversion rate"], ["count", "Count per user"], ["value", "Value per user"]];
const ROLES = [["primary", "Primary"], ["secondary", "Secondary"], ["guardrail", "Guardrail"]];
const DIRECTIONS = [["increase", "Higher"], ["decrease", "Lower"]];

// `types` are the event types that were ever seen, or null where they may not be read.
export function metricsEditor(metrics, types) {
  const known = freshId("types");
  const list = lines({
    values: metrics, add: "Metric",
    empty: (index) => ({ key: "", event_type: "", kind: "conversion", role: index ? "secondary" : "primary",
        direction: "increase" }),
    line: (metric, index) => line(metric, index, known, types),
  });
  const element = h("fieldset", { "data-field": "/metrics", "data-name": "Metrics" }, h("legend", {}, "Metrics"),
    h("p", { class: "hint" },
      "The event type is what your program records, such as purchase. Primary metrics decide; guardrails must not get worse."), h("p", { class: "fault" }),
    h("datalist", { id: known }, (types ?? []).map((type) => h("option", { value: type }))), list.element);
  return { element, values: list.values };
}

function line(metric, index, known, types) {
  const at = (name) => ({ pointer: `/metrics/${index}/${name}` });
  const name = text(metric.name, { maxlength: 200, placeholder: "Purchase rate" });
  const key = text(metric.key, { required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false",
      placeholder: "purchase_rate" });
  const unseen = h("p", { class: "hint caution", role: "status" });
  const check = () => fill(unseen,
    types && type.value && !types.includes(type.value)
    ? "No such event was ever recorded. A typing error would leave the metric empty." : "");
  const type = text(metric.event_type,
    { required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false", list: known, oninput: check });
  const kind = choice(KINDS, metric.kind);
  const margin = number(percentOf(metric.margin), { min: 0.0001, max: 100 });
  const marginField = field("Margin in percent", margin,
    { ...at("margin"), hint: "How much worse still counts as safe; with it, shipping waits for the proof." });
  const guards = () => { marginField.hidden = role.value !== "guardrail"; };
  const role = choice(ROLES, metric.role, { onchange: guards });
  guards();
  check();
  const direction = choice(DIRECTIONS, metric.direction);
  const typeField = field("Event type", type, at("event_type"));
  typeField.append(unseen);
  return {
    element: h("div", { class: "line triple" }, field("Name for people", name, at("name")),
      field("Key", key, at("key")), typeField, field("Kind", kind, at("kind")), field("Role", role, at("role")),
      field("Better when", direction, at("direction")), marginField),
    value: () => ({ key: key.value.trim(), name: name.value.trim() || null, event_type: type.value.trim(),
        kind: kind.value, role: role.value, direction: direction.value,
        margin: role.value === "guardrail" && asNumber(margin) !== null ? asNumber(margin) / 100 : null }),
  };
}

const percentOf = (share) => (share === null || share === undefined ? null : Number((100 * share).toPrecision(12)));
