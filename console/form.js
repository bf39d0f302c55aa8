// Fields with a label, a hint and a place for what is wrong; problems go to the field that their pointer names.

import { fill, freshId, h } from "./dom.js";
import { explained } from "./feedback.js";

// `pointer` is the JSON pointer of the field in the body, such as /variants/0/weight.
export function field(label, control, { pointer, hint } = {}) {
  const id = freshId("field");
  control.id = id;
  const fault = h("p", { class: "fault", id: `${id}-fault` });
  const hinted = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  control.setAttribute("aria-describedby", [hinted?.id, fault.id].filter(Boolean).join(" "));
  const element = h("div", { "data-field": pointer }, h("label", { for: id }, label), control, hinted, fault);
  return element;
}

export const text = (value = "", props = {}) => h("input", { value: value ?? "", ...props });
export const number = (value, props = {}) => h("input", { type: "number", inputmode: "decimal", step: "any", value: value ?? "", ...props });
export const area = (value = "", props = {}) => h("textarea", { value: value ?? "", ...props });

export function choice(options, value, props = {}) {
  const select = h("select", props, options.map(([key, name]) => h("option", { value: key }, name)));
  select.value = value;
  return select;
}

export const asNumber = (input) => (input.value.trim() === "" ? null : Number(input.value));

// Where a field may not be changed now; why is its hint.
export function lock(element, why) {
  for (const control of element.querySelectorAll("input, select, textarea, button")) control.disabled = true;
  element.append(h("p", { class: "hint" }, why));
}

export function clearFaults(form) {
  for (const fault of form.querySelectorAll(".fault")) fill(fault);
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

// Puts each error at its field, the rest on top, and goes to the first.
export function showProblem(form, place, problem) {
  const rest = [];
  let first = null;
  for (const error of problem.errors ?? []) {
    const target = nearest(form, error.pointer);
    if (!target) {
      rest.push(error);
      continue;
    }
    const control = target.querySelector("input, select, textarea");
    fill(target.querySelector(".fault"), error.detail);
    control?.setAttribute("aria-invalid", "true");
    first ??= control;
  }
  fill(place, explained({ status: problem.status, message: problem.message, errors: rest }));
  if (first) first.focus();
  else place.scrollIntoView({ block: "center" });
}

function nearest(form, pointer) {
  for (let path = pointer; path; path = path.slice(0, path.lastIndexOf("/"))) {
    const found = form.querySelector(`[data-field="${CSS.escape(path)}"]`);
    if (found) return found;
  }
  return null;
}

// A list of lines that can grow and shrink; `line(value, index)` returns { element, value() }.
export function lines({ values, line, add, empty, least = 0, most = 50, changed = () => {} }) {
  const place = h("div");
  let made = [];
  const current = () => made.map((each) => each.value());
  const draw = (from) => {
    made = from.map((value, index) => line(value, index));
    fill(place, made.map((each, index) => {
      if (made.length > least) each.element.append(h("button", { type: "button", class: "little", "aria-label": `Remove ${add.toLowerCase()} ${index + 1}`, onclick: () => draw(current().filter((_, at) => at !== index)) }, "Remove"));
      return each.element;
    }));
    changed();
  };
  const grow = h("button", { type: "button", class: "little", onclick: () => {
    if (made.length < most) draw([...current(), empty(made.length)]);
    place.lastElementChild?.querySelector("input")?.focus();
  } }, `Add ${add.toLowerCase()}`);
  draw(values);
  return { element: h("div", { class: "stack tight" }, place, h("div", {}, grow)), values: current };
}
