// The raw rows behind the results: page by page into a file that the browser saves, with progress and a way to
// stop; or, for what is too much for that, into a file that the platform writes.
// Every page begins with the header, which only the first one keeps.

import { at, get, post, textOf } from "./api.js";
import { fill, h } from "./dom.js";
import { say, working } from "./feedback.js";
import { count } from "./format.js";
import { save } from "./plot.js";

const PAGE = 500;
const AGAIN_MS = 2000;

export function rowsExport(id) {
  const place = h("div", { role: "status" });
  const button = (work, rows, label) => {
    const made = h("button", { type: "button", class: "little" }, label);
    made.addEventListener("click", () => working(made, place, () => work(id, rows, place)));
    return made;
  };
  return h("section", { class: "card stack tight no-print", "aria-label": "Raw rows" },
    h("div", { class: "row" }, h("span", { class: "soft grow" }, "Raw rows, as CSV"), button(gathered, "users", "One row per user"), button(gathered, "events", "One row per event")),
    h("div", { class: "row" }, h("span", { class: "soft grow" }, "Too many to wait for? The platform writes a file, which stays for a day."), button(written, "users", "File of users"), button(written, "events", "File of events")),
    place);
}

async function written(id, rows, place) {
  const shown = h("span", {}, "Begins within a minute …");
  const bar = h("progress", { "aria-label": "Writing the file", max: 100 });
  fill(place, h("div", { class: "row" }, shown, bar));
  let file = await post(at(id, "/exports"), { rows, format: "csv" });
  while (file.state !== "ready") {
    if (!place.isConnected) return;
    await new Promise((done) => { setTimeout(done, AGAIN_MS); });
    file = (await get(at(id, "/exports"))).exports.find((each) => each.rows === rows && each.format === "csv");
    if (file.state === "waiting") continue;
    bar.value = file.progress_percent;
    fill(shown, `${count(file.rows_written)} rows are written`);
  }
  fill(place, h("a", { class: "button little", href: file.url }, `Save ${count(file.rows_written)} rows`), h("span", { class: "soft" }, " within 15 minutes"));
}

async function gathered(id, rows, place) {
  const state = { stopped: false };
  const shown = h("span", {}, "Reading …");
  fill(place, h("div", { class: "row" }, shown, h("progress", { "aria-label": "Reading rows" }), h("button", { type: "button", class: "little", onclick: () => { state.stopped = true; } }, "Stop")));
  const parts = [];
  let cursor = null;
  let found = 0;
  do {
    const asked = new URLSearchParams({ format: "csv", rows, limit: PAGE, ...(cursor ? { cursor } : {}) });
    const { text, answer } = await textOf("GET", at(id, `/results/export?${asked}`));
    found += text.split("\r\n").length - 2;
    parts.push(parts.length ? text.slice(text.indexOf("\r\n") + 2) : text);
    cursor = answer.headers.get("X-Next-Cursor");
    fill(shown, `${count(found)} rows`);
  } while (cursor && !state.stopped);
  fill(place);
  if (state.stopped) return say("Stopped; nothing was saved.");
  save(new Blob(parts, { type: "text/csv" }), `${id}-${rows}.csv`);
  return say(`${count(found)} rows were saved.`);
}
