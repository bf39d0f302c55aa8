// What can be done with an experiment: its next step in front, the rest in a menu, and a question before each step.

import { at, call } from "./api.js";
import { h } from "./dom.js";
import { ending } from "./ending.js";
import { confirmed, say, working } from "./feedback.js";
import { menu } from "./menu.js";

const STEPS = {
  start: { to: "running", label: "Start", title: "Start this experiment?",
    text: "Users are assigned from now on. Variants, weights, segments and the plan can no longer change; metrics can be added and traffic can grow." },
  resume: { to: "running", label: "Resume", title: "Resume this experiment?",
    text: "New users are assigned again. Everybody keeps the variant they have." },
  pause: { to: "paused", label: "Pause", title: "Pause this experiment?",
    text: "No new users are assigned. Those who take part keep their variant, and what they do still counts." },
};
const NEXT = { draft: ["start"], running: ["complete", "pause"], paused: ["resume", "complete"] };
const OPEN = ["keep_running", "investigate_srm"]; // what the platform advises while there is nothing to conclude

// The steps that the status allows, the next one first, and whether it is what there is to do now: an experiment
// that should keep running is not ended by its loudest button, and one that is decided is not resumed by it.
export function steps(status, action = null) {
  const decided = action !== null && !OPEN.includes(action);
  const [front, ...others] = decided ? (NEXT[status] ?? [])
    .toSorted((one, other) => (other === "complete") - (one === "complete")) : NEXT[status] ?? [];
  return { front, others, main: front === "start" || (decided && front === "complete") };
}

// `changed` is called with { data, etag } after a step; `tag()` is the version that the person looks at; `action` is
// what is recommended, where that is known.
export function lifecycle(experiment, { may, changed, tag, refresh, action }) {
  const { front, others, main } = steps(experiment.status, action);
  const fault = h("div");
  const writes = may("experiments:write");
  const path = encodeURIComponent(experiment.id);
  const end = (label, loud) => {
    const made = h("button", { type: "button", class: loud ? "primary" : null,
        onclick: () => working(made, fault, () => ending(experiment, { may, changed, tag })) }, label);
    return made;
  };
  const button = (name, loud) => {
    if (name === "complete") return end("Complete", loud);
    const step = STEPS[name];
    const made = h("button", { type: "button", class: loud ? "primary" : null }, step.label);
    made.addEventListener("click", async () => {
      if (!(await confirmed(step.title, step.text, step.label))) return;
      await working(made, fault, async () => {
        await changed(await call("POST", at(experiment.id, "/status"), { status: step.to }, { "If-Match": tag() }));
        say(`The experiment is ${step.to}.`);
      });
    });
    return made;
  };
  const shelve = () => {
    const made = h("button", { type: "button", onclick: () => working(made, fault, async () => {
      await changed(await call("PATCH", at(experiment.id), { archived: !experiment.archived }, { "If-Match": tag() }));
      say(experiment.archived ? "Back in the list." : "Archived: the list leaves it out unless asked.");
    }) }, experiment.archived ? "Unarchive" : "Archive");
    return made;
  };
  const remove = h("button", { type: "button", class: "danger", onclick: async () => {
    if (!(await confirmed("Delete this draft?", "It is gone for good; its history stays.", "Delete",
          { danger: true }))) return;
    await working(remove, fault, async () => {
      await call("DELETE", at(experiment.id), undefined, { "If-Match": tag() });
      location.hash = "#/experiments";
    });
  } }, "Delete draft");
  const again = h("button", { type: "button", onclick: () => working(again, fault, refresh) }, "Refresh");
  return h("div", { class: "stack tight actions" },
    h("div", { class: "row close" },
      writes && front ? button(front, main) : null,
      menu("More", [
        writes ? h("a", { href: `#/experiments/${path}/edit` }, "Edit") : null,
        writes ? h("a", { href: `#/experiments/new?copy=${path}` }, "Copy") : null,
        writes && experiment.status === "completed" ? end("Conclusion", false) : null,
        writes ? others.map((name) => button(name, false)) : null,
        writes && (experiment.status === "draft" || experiment.status === "completed") ? shelve() : null,
        again,
        h("button", { type: "button", onclick: () => window.print() }, "Print"),
        writes && experiment.status === "draft" ? remove : null,
      ])),
    fault);
}
