// One plot: its title, the drawing, the same figures as a table, and both to download.

import { csv } from "./csv.js";
import { chartLibrary, setPrinting } from "./chart_library.js";
import { freshId, h, table } from "./dom.js";

const shown = new Set();

function redrawAll() {
  for (const each of shown) each.redraw();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
window.addEventListener("beforeprint", () => { setPrinting(true); redrawAll(); });
window.addEventListener("afterprint", () => { setPrinting(false); redrawAll(); });

// `configure(Chart)` returns Chart.js's configuration; `columns` and `rows` are the table's, as in dom.js,
// where a column may have `plain(row)` for the CSV. Returns { element, leave }.
export function plot({ title, note, name, height = 260, configure, columns, rows }) {
  const id = freshId("plot");
  const canvas = h("canvas", { role: "img", "aria-label": `${title}. The same figures are in the table below.` });
  const box = h("div", { class: "plot" }, canvas);
  box.style.height = `${height}px`;
  const data = h("details", {}, h("summary", {}, "Show as a table"), table(title, columns, rows, { hideCaption: true }));
  const element = h("figure", { "aria-labelledby": id },
    h("figcaption", {}, h("h3", { id }, title), note ? h("p", { class: "small soft" }, note) : null),
    box, data,
    h("div", { class: "row actions" },
      h("button", { type: "button", class: "little", "aria-label": `Save the plot ${title} as PNG`, onclick: () => picture(canvas, name) }, "PNG"),
      h("button", { type: "button", class: "little", "aria-label": `Save the figures of ${title} as CSV`, onclick: () => sheet(columns, rows, name) }, "CSV")));
  const drawing = { chart: null, redraw: () => {} };
  chartLibrary().then((Chart) => {
    if (drawing.left) return;
    drawing.redraw = () => {
      drawing.chart?.destroy();
      drawing.chart = new Chart(canvas, configure(Chart));
    };
    drawing.redraw();
    shown.add(drawing);
  });
  const leave = () => { drawing.left = true; drawing.chart?.destroy(); shown.delete(drawing); };
  return { element, leave };
}

function picture(canvas, name) {
  canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png");
}

function sheet(columns, rows, name) {
  const lines = [columns.map((column) => column.title), ...rows.map((row) => columns.map((column) => (column.plain ?? column.cell)(row)))];
  save(new Blob([csv(lines)], { type: "text/csv" }), `${name}.csv`);
}

export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
