// Everything that is stored about a person, to hand over, and its erasure.

import { call, get } from "./api.js";
import { fill, h, table } from "./dom.js";
import { confirmed, say, working } from "./feedback.js";
import { count, decimal, time, utcDay } from "./format.js";
import { assignmentColumns, knownExperiments, userForm } from "./lookup.js";
import { pairs } from "./pairs.js";
import { save } from "./plot.js";

const ERASING = {
  assignments: "leaving the experiments",
  counters: "leaving the counters",
  overrides: "leaving the overrides",
  items: "leaving the tables",
  archive: "gone from the tables; the archive's files are rewritten daily for 15 days",
  done: "done",
};

export async function view(_, me) {
  const form = userForm("Show", async (user, place) => draw(user, place, me));
  return { title: "User data", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "User data"),
    h("p", { class: "soft" }, "What is stored about one user, to answer a request for it or to erase it."),
      h("section", { class: "card" }, form)) };
}

async function draw(user, place, me) {
  const path = `/users?user_id=${encodeURIComponent(user)}`;
  const [found, known] = await Promise.all([get(`${path}&limit=100`), knownExperiments(me)]);
  const fault = h("div");
  const erase = h("button", { type: "button", class: "danger" }, "Erase");
  erase.addEventListener("click", async () => {
    if (!(await confirmed(`Erase ${user}?`,
          "What is stored about this user goes for good, in minutes from the tables and in days from the archive. Published results stay as they are.", "Erase", { danger: true }))) return;
    await working(erase, fault, async () => {
      await call("DELETE", path);
      say("The erasure has begun; it goes on by itself.");
      await draw(user, place, me);
    });
  });
  const keep = h("button", { type: "button" }, "Save as JSON");
  keep.addEventListener("click", () => working(keep, fault,
      async () => save(new Blob([JSON.stringify(await everything(path), null, 2)], { type: "application/json" }),
        "user-data.json")));
  fill(place, h("div", { class: "stack" },
    found.erasure ? h("p", { class: "alert warn" },
      `An erasure was asked for on ${time(found.erasure.erased_at)}: ${ERASING[found.erasure.stage] ?? found.erasure.stage}.`) : null,
    h("div", { class: "row close" }, keep, erase), fault,
    h("h3", {}, "Assignments"), found.assignments.length ? assignments(found.assignments, known)
      : h("p", { class: "soft" }, "None."),
    h("h3", {}, "Counted, by type and day"),
      found.totals.length ? totals(found.totals) : h("p", { class: "soft" }, "Nothing."),
    found.next_cursor ? h("p", { class: "small soft" }, "There is more: the JSON file has all of it.") : null));
}

async function everything(path) {
  const whole = await get(`${path}&limit=100`);
  for (let cursor = whole.next_cursor; cursor;) {
    const page = await get(`${path}&limit=100&cursor=${encodeURIComponent(cursor)}`);
    whole.totals.push(...page.totals);
    whole.events.push(...page.events);
    cursor = page.next_cursor;
  }
  return whole;
}

function assignments(rows, known) {
  return table("Assignments", [
    ...assignmentColumns(known),
    { title: "Context", cell: (each) => pairs(each.context) },
  ], rows, { hideCaption: true, cards: true });
}

function totals(rows) {
  return table("Counted, by type and day", [
    { title: "Type", cell: (each) => h("code", {}, each.type) },
    { title: "Day (UTC)", cell: (each) => (each.day ? utcDay(each.day) : "long ago") },
    { title: "Events", number: true, cell: (each) => count(each.events) },
    { title: "Sum", number: true, cell: (each) => decimal(each.sum) },
  ], rows, { hideCaption: true });
}
