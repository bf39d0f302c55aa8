// Says what happened, asks before what cannot be undone, and explains what went wrong.

import { fill, h } from "./dom.js";

let timer = 0;

export function say(text) {
  const said = document.getElementById("said");
  fill(said, text);
  clearTimeout(timer);
  timer = setTimeout(() => fill(said), 6000);
}

// Resolves to true when the person confirms; Escape and Cancel are false.
export function confirmed(title, text, action, { danger = false } = {}) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-labelledby": "ask" },
      h("h2", { id: "ask" }, title),
      h("p", {}, text),
      h("div", { class: "row end" },
        h("button", { type: "button", onclick: () => dialog.close("") }, "Cancel"),
        h("button", { type: "button", class: danger ? "danger" : "primary", onclick: () => dialog.close("yes") },
          action)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

const ADVICE = {
  403: "Ask an administrator for the right to do this.",
  404: "It may have been removed, or the address is wrong.",
  409: "Load the page again to see its state now.",
  412: "Load the page again, then repeat your change.",
  429: "Wait a moment, then try again.",
  503: "Try again in a few seconds; nothing was lost.",
};

export function explained(problem) {
  const advice = ADVICE[problem.status] ?? (problem.status >= 500 ? ADVICE[503] : "");
  const fields = problem.errors ?? [];
  return h("div", { class: "alert", role: "alert" },
    h("strong", {}, problem.status === 412 ? "Somebody else changed it meanwhile." : problem.message),
      advice ? ` ${advice}` : "",
    fields.length ? h("ul", {}, fields.map((field) => h("li", {}, `${field.pointer}: ${field.detail}`))) : null);
}

// Runs work that a button started: no second click meanwhile, and a failure is explained in `place`.
export async function working(button, place, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  fill(place);
  try {
    return await work();
  } catch (problem) {
    fill(place, explained(problem));
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}
