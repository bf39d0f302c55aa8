// The segments of an experiment: context keys by which results can be split.

import { h } from "./dom.js";
import { field, lines, text } from "./form.js";

export function segmentsEditor(segments) {
  const list = lines({ values: segments, most: 3, add: "Segment", empty: () => ({ key: "", values: [] }), line });
  const element = h("fieldset", { "data-field": "/segments", "data-name": "Segments" }, h("legend", {}, "Segments"),
    h("p", { class: "hint" },
      "A key of the context that is sent with an assignment, such as country; any value not named counts as other."),
    h("p", { class: "fault" }), list.element);
  return { element, values: list.values };
}

function line(segment, index) {
  const key = text(segment.key, { required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false",
      placeholder: "country" });
  const values = text(segment.values.join(", "), { required: true, placeholder: "DE, AT, US" });
  return {
    element: h("div", { class: "line" },
      field("Context key", key, { pointer: `/segments/${index}/key` }),
      field("Values, comma-separated", values, { pointer: `/segments/${index}/values` })),
    value: () => ({ key: key.value, values: values.value.split(",").map((each) => each.trim()).filter(Boolean) }),
  };
}
