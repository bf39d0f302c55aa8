// What an empty list says: three steps, and an invented experiment to look at.

import { fill, h } from "./dom.js";
import { working } from "./feedback.js";
import { loadSample } from "./sample.js";

export function firstExperiment(me) {
  const may = (...scopes) => scopes.every((scope) => me.scopes.includes(scope));
  const place = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "button" }, "Load a sample experiment");
  button.addEventListener("click",
    () => working(button, place, () => loadSample((share, text) => fill(place, h("p", { class: "small soft" }, text),
          h("progress", { max: 1, value: share, "aria-label": text })))));
  const step = (title, ...text) => h("li", {}, h("h3", {}, title), h("p", { class: "soft" }, text));
  return h("section", { class: "card stack first", "aria-labelledby": "first" },
    h("h2", { id: "first" }, "Your first experiment"),
    h("ol", { class: "steps" },
      step("Define it", "Name the variants and what you measure, plan how many users it takes, and start it."),
      step("Assign your users", "Your server asks which variant a user has; it needs an ",
        h("a", { href: "#/keys" }, "API key"), ". Every answer stays the same."),
      step("Record what they do",
        "Send purchases, clicks or whatever you measure as events. The decision is on the experiment's page within seconds.")),
    h("div", { class: "row" },
      may("experiments:write") ? h("a", { class: "button primary", href: "#/experiments/new" }, "New experiment")
        : null,
      may("experiments:write", "events:write") ? button : null),
    may("experiments:write", "events:write")
      ? h("p", { class: "small soft" },
      "The sample has 1,200 invented users of the last two weeks and shows what a decision looks like.") : null,
    place);
}
