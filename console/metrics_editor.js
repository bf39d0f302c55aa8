// The metrics of an experiment: what is measured, of which events, and what it decides.

import { h } from "./dom.js";
import { asNumber, choice, field, lines, number, text } from "./form.js";

const KINDS = [["conversion", "Conversion (users)"], ["count", "Count (per user)"], ["value", "Value (sum per user)"]];
const ROLES = [["primary", "Primary"], ["secondary", "Secondary"], ["guardrail", "Guardrail"]];
const DIRECTIONS = [["increase", "Higher is better"], ["decrease", "Lower is better"]];

export function metricsEditor(metrics) {
  const list = lines({
    values: metrics, add: "Metric",
    empty: (index) => ({ key: "", event_type: "", kind: "conversion", role: index ? "secondary" : "primary", direction: "increase" }),
    line,
  });
  const element = h("fieldset", { "data-field": "/metrics" }, h("legend", {}, "Metrics"),
    h("p", { class: "hint" }, "The event type is the type that your program records, such as purchase. Primary metrics decide, guardrails must not get worse."), h("p", { class: "fault" }), list.element);
  return { element, values: list.values };
}

function line(metric, index) {
  const at = (name) => ({ pointer: `/metrics/${index}/${name}` });
  const key = text(metric.key, { required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  const type = text(metric.event_type, { required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  const name = text(metric.name, { maxlength: 200 });
  const kind = choice(KINDS, metric.kind);
  const margin = number(percentOf(metric.margin), { min: 0.0001, max: 100 });
  const marginField = field("Margin in percent", margin, { ...at("margin"), hint: "How much worse still counts as safe; with it, shipping waits for the proof." });
  const guards = () => { marginField.hidden = role.value !== "guardrail"; };
  const role = choice(ROLES, metric.role, { onchange: guards });
  guards();
  const direction = choice(DIRECTIONS, metric.direction);
  return {
    element: h("div", { class: "line" }, field("Key", key, at("key")), field("Event type", type, at("event_type")), field("Name for people", name, at("name")), field("Kind", kind, at("kind")), field("Role", role, at("role")), field("Direction", direction, at("direction")), marginField),
    value: () => ({ key: key.value, name: name.value.trim() || null, event_type: type.value, kind: kind.value, role: role.value, direction: direction.value, margin: role.value === "guardrail" && asNumber(margin) !== null ? asNumber(margin) / 100 : null }),
  };
}

const percentOf = (share) => (share === null || share === undefined ? null : Number((100 * share).toPrecision(12)));
