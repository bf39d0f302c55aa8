// The raw rows behind the results: page by page into a file that the browser saves, with progress and a way to stop.
// Every page begins with the header, which only the first one keeps.

import { at, textOf } from "./api.js";
import { fill, h } from "./dom.js";
import { exportFiles } from "./export_files.js";
import { say, working } from "./feedback.js";
import { count } from "./format.js";
import { save } from "./plot.js";

const PAGE = 500;

export function rowsExport(id) {
  const place = h("div", { role: "status" });
  const button = (rows, label) => {
    const made = h("button", { type: "button", class: "little" }, label);
    made.addEventListener("click", () => working(made, place, () => gathered(id, rows, place)));
    return made;
  };
  return h("section", { class: "card stack tight no-print", "aria-label": "Raw rows" },
    h("div", { class: "row" }, h("h2", { class: "grow" }, "Raw rows, as CSV"), button("users", "One row per user"),
      button("events", "One row per event")),
    place,
    exportFiles(id));
}

async function gathered(id, rows, place) {
  const state = { stopped: false };
  const shown = h("span", {}, "Reading …");
  fill(place, h("div", { class: "row" }, shown, h("progress", { "aria-label": "Reading rows" }),
      h("button", { type: "button", class: "little", onclick: () => { state.stopped = true; } }, "Stop")));
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
