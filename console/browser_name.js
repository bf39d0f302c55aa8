// What people call a browser, from the text by which it calls itself: most claim to be several others too.

const BROWSERS = [["Edge", /Edg(?:e|A|iOS)?\/(\d+)/], ["Opera", /OPR\/(\d+)/], ["Firefox", /(?:Firefox|FxiOS)\/(\d+)/],
  ["Chrome", /(?:Chrome|CriOS)\/(\d+)/], ["Safari", /Version\/(\d+).* Safari\//]];
const SYSTEMS = [["iPhone", /iPhone/], ["iPad", /iPad/], ["Android", /Android/], ["Windows", /Windows/],
  ["macOS", /Mac OS X/], ["ChromeOS", /CrOS/], ["Linux", /Linux/]];

// "Firefox 145 on Windows"; a program's own text as it is.
export function browserOf(agent) {
  const [name, pattern] = BROWSERS.find(([, each]) => each.test(agent)) ?? [];
  if (!name) return agent;
  const system = SYSTEMS.find(([, each]) => each.test(agent));
  return `${name} ${agent.match(pattern)[1]}${system ? ` on ${system[0]}` : ""}`;
}
