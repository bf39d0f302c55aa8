// The metrics of an experiment: what is measured, of which events, and what it decides.

import { h } from "./dom.js";
import { choice, field, lines, text } from "./form.js";

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
  const kind = choice(KINDS, metric.kind);
  const role = choice(ROLES, metric.role);
  const direction = choice(DIRECTIONS, metric.direction);
  return {
    element: h("div", { class: "line" }, field("Key", key, at("key")), field("Event type", type, at("event_type")), field("Kind", kind, at("kind")), field("Role", role, at("role")), field("Direction", direction, at("direction"))),
    value: () => ({ key: key.value, event_type: type.value, kind: kind.value, role: role.value, direction: direction.value }),
  };
}
