// Files with all raw rows, which the platform writes: whoever comes back, or opens a second tab, finds them here.

import { at, get, post } from "./api.js";
import { fill, h } from "./dom.js";
import { explained, working } from "./feedback.js";
import { count, time } from "./format.js";

const AGAIN_MS = 2000;
const KINDS = { users: "One row per user", events: "One row per event" };

export function exportFiles(id) {
  const lines = Object.fromEntries(Object.keys(KINDS)
    .map((rows) => [rows, h("div", { class: "row", role: "group", "aria-label": KINDS[rows] })]));
  const place = h("div", { class: "stack tight" }, Object.values(lines));
  const fault = h("div", { role: "status" });
  const element = h("details", {},
    h("summary", {}, "Too many to wait for? The platform writes a file, which stays for a day"), place, fault);
  const drawn = {};
  let watching = false;
  let missed = false;

  // Until nothing is being written, or nobody looks.
  async function watch() {
    if (watching) return;
    watching = true;
    while (await looked() && element.isConnected
      && element.open) await new Promise((done) => { setTimeout(done, AGAIN_MS); });
    watching = false;
  }

  // Whether there is more to see; a fault is told for as long as it lasts.
  async function looked() {
    try {
      const files = await offered(id);
      draw(files);
      if (missed) fill(fault);
      missed = false;
      return files.some((each) => each.state !== "ready");
    } catch (problem) {
      missed = true;
      fill(fault, explained(problem));
      return true;
    }
  }

  // What has not changed is left alone, with the focus that it may have.
  function draw(files) {
    for (const [rows, line] of Object.entries(lines)) {
      const file = files.find((each) => each.rows === rows);
      const state = JSON.stringify([file?.state, file?.rows_written, file?.progress_percent, file?.ready_at]);
      if (drawn[rows] === state) continue;
      drawn[rows] = state;
      fill(line, h("span", { class: "grow" }, KINDS[rows]), parts(file, rows));
    }
  }

  function parts(file, rows) {
    if (!file) return button("Write the file", () => write(rows));
    if (file.state === "waiting") return [h("span", { class: "soft" }, "Begins within a minute …"),
      h("progress", { "aria-label": "Waiting for the file" })];
    if (file.state === "writing") return [h("span", { class: "soft" }, `${count(file.rows_written)} rows`),
      h("progress", { "aria-label": "Writing the file", max: 100, value: file.progress_percent })];
    return [h("span", { class: "soft" }, `${count(file.rows_written)} rows, written ${time(file.ready_at)}`),
      button("Save", () => save(rows)), button("Write it anew", () => write(rows))];
  }

  function button(label, work) {
    const made = h("button", { type: "button", class: "little" }, label);
    made.addEventListener("click", () => working(made, fault, work));
    return made;
  }

  async function write(rows) {
    await post(at(id, "/exports"), { rows, format: "csv" });
    await watch();
  }

  // An address holds for 15 minutes: each click asks for a new one.
  async function save(rows) {
    const file = (await offered(id)).find((each) => each.rows === rows && each.url);
    if (!file) throw new Error("The file is no longer there. Write it anew.");
    location.assign(file.url);
  }

  element.addEventListener("toggle", () => { if (element.open) watch(); });
  return element;
}

const offered = async (id) => (await get(at(id, "/exports"))).exports.filter((each) => each.format === "csv");
