// Users who always get a chosen variant: testers, who are never counted.

import { h } from "./dom.js";
import { choice, field, lines, text } from "./form.js";

export function overridesEditor(overrides, variantKeys) {
  const list = lines({ values: Object.entries(overrides).map(([user, variant]) => ({ user, variant })), most: 100,
      add: "Override", empty: () => ({ user: "", variant: variantKeys().at(-1) }),
      line: (value, index) => line(value, index, variantKeys()) });
  const element = h("fieldset", { "data-field": "/overrides", "data-name": "Overrides" },
    h("legend", { class: "minor" }, "Overrides"),
    h("p", { class: "hint" }, "Testers who always get one variant; they are never counted."),
      h("p", { class: "fault" }), list.element);
  return { element, lines: list.values,
    values: () => Object.fromEntries(list.values().filter((each) => each.user)
      .map((each) => [each.user, each.variant])) };
}

function line({ user, variant }, index, keys) {
  const who = text(user, { required: true, maxlength: 256, autocapitalize: "none", spellcheck: "false" });
  const which = choice([...new Set([...keys, variant])].map((key) => [key, key]), variant);
  return {
    element: h("div", { class: "line" }, field("User id", who, { pointer: `/override_lines/${index}` }),
      field("Variant", which)),
    value: () => ({ user: who.value.trim(), variant: which.value }),
  };
}
