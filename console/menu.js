// A small menu behind a button: what is done now and then. Escape and a click elsewhere close it.

import { h } from "./dom.js";

export function menu(label, items, props = {}) {
  const element = h("details", { class: "choices no-print" }, h("summary", { class: "button", ...props }, label),
    h("div", { class: "choices-list" }, items));
  const close = (event) => {
    if (event.type === "keydown" ? event.key === "Escape" : !element.contains(event.target)
      || event.target.closest(".choices-list button, .choices-list a")) {
      if (event.type === "keydown") element.querySelector("summary").focus();
      element.open = false;
    }
  };
  element.addEventListener("toggle", () => {
    for (const kind of ["click", "keydown"]) document[element.open ? "addEventListener" : "removeEventListener"](kind,
      close);
  });
  return element;
}
