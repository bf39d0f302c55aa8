// The buttons of an experiment's life, what each means, and a question before each is taken.

import { at, call } from "./api.js";
import { h } from "./dom.js";
import { confirmed, say, working } from "./feedback.js";

const STEPS = {
  start: { to: "running", label: "Start", title: "Start this experiment?", text: "Users are assigned from now on. Variants, weights, segments and the plan can no longer change; metrics can be added and traffic can grow." },
  resume: { to: "running", label: "Resume", title: "Resume this experiment?", text: "New users are assigned again. Everybody keeps the variant they have." },
  pause: { to: "paused", label: "Pause", title: "Pause this experiment?", text: "No new users are assigned. Those who take part keep their variant, and what they do still counts." },
  complete: { to: "completed", label: "Complete", title: "Complete this experiment?", text: "This is final. Nothing that happens from a few seconds after now counts, and the results stay as they are then.", danger: true },
};
const ALLOWED = { draft: ["start"], running: ["pause", "complete"], paused: ["resume", "complete"], completed: [] };

// `changed` is called with { data, etag } after a step; `tag()` is the version that the person looks at.
export function lifecycle(experiment, changed, tag) {
  const fault = h("div");
  const button = (name) => {
    const step = STEPS[name];
    const main = name === "start" || name === "resume";
    const made = h("button", { type: "button", class: main ? "primary" : step.danger ? "danger" : null }, step.label);
    made.addEventListener("click", async () => {
      if (!(await confirmed(step.title, step.text, step.label, { danger: step.danger }))) return;
      await working(made, fault, async () => {
        await changed(await call("POST", at(experiment.id, "/status"), { status: step.to }, { "If-Match": tag() }));
        say(`The experiment is ${step.to}.`);
      });
    });
    return made;
  };
  const remove = h("button", { type: "button", class: "danger" }, "Delete");
  remove.addEventListener("click", async () => {
    if (!(await confirmed("Delete this draft?", "It is gone for good; its history stays.", "Delete", { danger: true }))) return;
    await working(remove, fault, async () => {
      await call("DELETE", at(experiment.id), undefined, { "If-Match": tag() });
      location.hash = "#/experiments";
    });
  });
  return h("div", { class: "stack tight actions" },
    h("div", { class: "row" },
      h("a", { class: "button", href: `#/experiments/${encodeURIComponent(experiment.id)}/edit` }, "Edit"),
      experiment.status === "draft" ? remove : null,
      ALLOWED[experiment.status].map(button)),
    fault);
}
