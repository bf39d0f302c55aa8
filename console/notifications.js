// What happened to experiments, newest first: as it is also told by mail and on the event bus.

import { get } from "./api.js";
import { badge, fill, h } from "./dom.js";
import { working } from "./feedback.js";
import { ago, printed, time, words } from "./format.js";
import { byWhom } from "./wording.js";
import { FACT } from "./words.js";

export async function view() {
  const list = h("ol", { class: "log" });
  const rest = h("div");
  const more = async (cursor) => {
    const page = await get(`/notifications?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    list.append(...page.notifications.map(entry));
    fill(rest, page.next_cursor ? earlier(() => more(page.next_cursor)) : null);
  };
  await more(null);
  const empty = h("p", { class: "soft" }, "Nothing has happened yet: starts, ends, verdicts and harm stand here.");
  return { title: "Notifications", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "Notifications"),
    h("section", { class: "card" }, list.hasChildNodes() ? list : empty, rest)) };
}

function entry(each) {
  return h("li", {},
    h("div", { class: "row apart" },
      h("div", { class: "row close" }, badge(...(FACT[each.kind] ?? [words(each.kind), ""])),
        h("a", { class: "named", href: `#/experiments/${encodeURIComponent(each.experiment_id)}` }, each.name)),
      h("span", { class: "small soft", title: time(each.at) }, `${ago(each.at)}, ${byWhom(each.actor)}`)),
    h("p", { class: "soft" }, printed(each.sentence)));
}

function earlier(then) {
  const fault = h("div");
  const button = h("button", { type: "button" }, "Earlier");
  button.addEventListener("click", () => working(button, fault, then));
  return h("div", {}, button, fault);
}
