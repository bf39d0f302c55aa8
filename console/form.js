// Fields with a label, a hint and a place for what is wrong; problems go to the field that their pointer names.

import { fill, freshId, h } from "./dom.js";
import { explained } from "./feedback.js";

// `pointer` is the JSON pointer of the field in the body, such as /variants/0/weight.
export function field(label, control, { pointer, hint, short } = {}) {
  const id = freshId("field");
  control.id = id;
  const fault = h("p", { class: "fault", id: `${id}-fault` });
  const hinted = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  control.setAttribute("aria-describedby", [hinted?.id, fault.id].filter(Boolean).join(" "));
  const element = h("div", { "data-field": pointer, class: short ? "short" : null }, h("label", { for: id }, label),
    control, hinted, fault);
  return element;
}

export const text = (value = "", props = {}) => h("input", { value: value ?? "", ...props });
export const number = (value, props = {}) => h("input",
  { type: "number", inputmode: "decimal", step: "any", value: value ?? "", ...props });
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

// Puts each error at its field, and a list of all of them, with links to the fields, in `place`.
export function showProblem(form, place, problem) {
  clearFaults(form);
  const entries = (problem.errors ?? []).map((error) => {
    const target = nearest(form, error.pointer);
    if (!target) return { text: `${error.pointer}: ${error.detail}` };
    const control = target.matches("input, select, textarea") ? target
      : target.querySelector("input:not([disabled]), select:not([disabled]), textarea:not([disabled]), button:not([disabled])");
    const fault = target.querySelector(".fault");
    fault.append(`${fault.hasChildNodes() ? " " : ""}${sentence(error.detail)}`);
    if (control && !control.matches("button")) control.setAttribute("aria-invalid", "true");
    for (const folded of ancestors(target)) folded.open = true;
    if (control) control.id ||= freshId("field");
    return { text: `${titleOf(target)}: ${error.detail}`, control };
  });
  const places = [...form.elements];
  entries.sort((one, other) => places.indexOf(one.control) - places.indexOf(other.control)); // from the top of the page
  fill(place, entries.length ? summary(problem, entries) : explained(problem));
  place.scrollIntoView({ block: "center" });
  place.querySelector("[tabindex]")?.focus({ preventScroll: true });
}

function summary(problem, entries) {
  const link = ({ text, control }) => h("li", {}, control ? h("a", { href: `#${control.id}`, onclick: (event) => {
    event.preventDefault(); // the address after # is the view's
    control.scrollIntoView({ block: "center" });
    control.focus({ preventScroll: true });
  } }, text) : text);
  const many = entries.length === 1 ? "One thing needs fixing" : `${entries.length} things need fixing`;
  return h("div", { class: "alert", role: "alert", tabindex: -1 },
    h("strong", {}, problem.status === 422 ? many : problem.message), h("ul", {}, entries.map(link)));
}

const sentence = (text) => (text.endsWith(".") ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);

// What the summary calls a field: its label, and the line that it stands in.
function titleOf(target) {
  const line = target.closest("[data-line]")?.dataset.line;
  const label = target.querySelector("label")?.textContent ?? target.dataset.name ?? "This";
  return line ? `${line}, ${label.charAt(0).toLowerCase()}${label.slice(1)}` : label;
}

function* ancestors(element) {
  for (let each = element.closest("details"); each; each = each.parentElement.closest("details")) yield each;
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
      each.element.dataset.line = `${add} ${index + 1}`;
      if (made.length > least) each.element.append(h("button",
          { type: "button", class: "little", "aria-label": `Remove ${add.toLowerCase()} ${index + 1}`,
            onclick: () => draw(current().filter((_, at) => at !== index)) }, "Remove"));
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
