// The console's pictures, each a few strokes of one weight, and how SVG is made.

const NAMESPACE = "http://www.w3.org/2000/svg";
const STROKES = {
  fork: "M8 14v-3c0-3-4-2.5-4-5.5M8 11c0-3 4-2.5 4-5.5M4 5.5a1.75 1.75 0 1 1 0-3.5 1.75 1.75 0 0 1 0 3.5M12 5.5a1.75 1.75 0 1 1 0-3.5 1.75 1.75 0 0 1 0 3.5",
  ruler: "M2 10.5 10.5 2 14 5.5 5.5 14zM5 7.5l1.5 1.5M7.5 5l1.5 1.5",
  user: "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8M2.75 14c.5-2.75 2.5-4 5.25-4s4.75 1.25 5.25 4",
  pulse: "M1.5 8h3L6.5 3l3 10 2-5h3",
  people: "M6 7.5A2.25 2.25 0 1 0 6 3a2.25 2.25 0 0 0 0 4.5M1.5 13.5c.4-2.5 2-3.5 4.5-3.5s4.1 1 4.5 3.5M10.5 7.3a2 2 0 1 0 0-4M12.2 10.2c1.4.5 2.1 1.6 2.3 3.3",
  key: "M5.5 13.5a3 3 0 1 1 0-6 3 3 0 0 1 0 6M7.7 8.3 13.5 2.5M11 5l2 2",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.1M2.5 8h.1M2.5 12h.1",
  inbox: "M2 9.5 4 3.5h8l2 6v3.5H2zM2 9.5h3.5l1 1.750h3l1-1.750H14",
  layers: "M8 2 14 5 8 8 2 5zM2 8l6 3 6-3M2 11l6 3 6-3",
  bell: "M4 11V7.2a4 4 0 0 1 8 0V11l1.3 1.5H2.7zM6.7 14.2h2.6",
  folder: "M2 12.5v-9h4l1.5 1.5H14v7.5z",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
};

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null
    && value !== undefined) element.setAttribute(name, String(value));
  element.append(...children.flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const icon = (name) => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", width: 16, height: 16 },
  svg("path", { d: STROKES[name], fill: "none", stroke: "currentColor", "stroke-width": 1.4, "stroke-linecap": "round",
      "stroke-linejoin": "round" }));
