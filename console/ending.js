// Ending an experiment: what was concluded, what everybody gets from now on, and why.

import { at, call, get } from "./api.js";
import { badge, h } from "./dom.js";
import { explained, say } from "./feedback.js";
import { area, choice, field } from "./form.js";
import { daysBetween, printed } from "./format.js";
import { variantTitle } from "./naming.js";
import { CONCLUSION } from "./words.js";

const OF_ACTION = { ship: "won", do_not_ship: "lost", no_verdict: "did_not_finish" };

// Asks, completes (or changes what was concluded), and calls `changed` with { data, etag }.
export async function ending(experiment, { may, changed, tag }) {
  const over = experiment.status === "completed";
  const summary = may("results:read") ? await get(at(experiment.id, "/results?format=summary")).catch(() => null)
    : null;
  const advice = summary?.recommendation;
  const conclusion = choice([["", "Not said"], ...Object.entries(CONCLUSION).map(([key, [name]]) => [key, name])],
    over ? experiment.conclusion ?? "" : OF_ACTION[advice?.action] ?? "inconclusive");
  const ship = choice([["", "Nothing: users get no variant any more"],
      ...experiment.variants.map((each) => [each.key,
          `${variantTitle(experiment, each.key)}${each.key === experiment.control ? " (control)" : ""}`])],
    over ? experiment.ship ?? "" : advice?.variant ?? "");
  const note = area(experiment.note, { rows: 3, maxlength: 10_000 });
  const place = h("div");
  const short = !over && daysBetween(experiment.started_at) < experiment.min_days;
  const button = h("button", { class: "primary" }, over ? "Save" : "Complete");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    const end = { conclusion: conclusion.value || null, ship: ship.value || null, note: note.value };
    try {
      await changed(over ? await call("PATCH", at(experiment.id), end, { "If-Match": tag() })
        : await call("POST", at(experiment.id, "/status"), { status: "completed", ...end }, { "If-Match": tag() }));
      say(over ? "Saved." : "The experiment is completed.");
      dialog.close();
    } catch (problem) {
      place.replaceChildren(explained(problem));
      button.disabled = false;
    }
  };
  const dialog = h("dialog", { "aria-labelledby": "ending", class: "wide" },
    h("form", { class: "stack", onsubmit: submit },
      h("h2", { id: "ending" }, over ? "What was concluded" : "Complete this experiment?"),
      summary ? h("p", { class: "soft" }, printed(summary.summary)) : null,
      short ? h("p", { class: "alert warn" },
        `It has run for less than the ${experiment.min_days} days of its plan: a verdict this early is not safe.`)
        : null,
      over ? null
        : h("p", {},
        "Completing is final: nothing that happens from a few seconds after now counts, and the results stay as they are then."),
      field("Conclusion", conclusion, { pointer: "/conclusion" }),
      field("Everybody gets", ship, { pointer: "/ship",
          hint: "Programs keep asking as before and get this variant for every user. When it is in your code, stop asking." }),
      field("Note", note, { pointer: "/note", hint: "What was learned; it stands on the experiment's page." }), place,
      h("div", { class: "row end" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        button)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// What stands on top of a completed experiment.
export function concluded(experiment) {
  if (experiment.status !== "completed") return null;
  const { conclusion, ship, note } = experiment;
  return h("section", { class: "card stack tight", "aria-label": "Conclusion" },
    h("div", { class: "row close" }, conclusion ? badge(...CONCLUSION[conclusion]) : badge("no conclusion yet"),
      h("span", {}, ship ? ["Everybody gets ", h("strong", {}, variantTitle(experiment, ship)), "."]
        : "Nothing is shipped: users get no variant.")),
    note ? h("p", {}, note) : null,
    ship ? h("p", { class: "small soft" },
      "Programs that ask are answered with it for every user. Next: put it into your code, then stop asking.") : null);
}
