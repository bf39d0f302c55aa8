// The console's frame: who is signed in, where one can go, and which view the address asks for.

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { explained, say } from "./feedback.js";
import { arrived, isSignedIn, signOut, whenEnded } from "./session.js";

const ROUTES = [
  [/^\/experiments$/, () => import("./experiments_list.js")],
  [/^\/experiments\/new$/, () => import("./experiment_form.js")],
  [/^\/experiments\/([^/]+)$/, () => import("./experiment_page.js")],
  [/^\/experiments\/([^/]+)\/edit$/, () => import("./experiment_form.js")],
  [/^\/assignments$/, () => import("./lookup.js")],
  [/^\/events$/, () => import("./event_types.js")],
  [/^\/dead-letters$/, () => import("./dead_letters.js")],
  [/^\/people$/, () => import("./people.js")],
  [/^\/keys$/, () => import("./keys.js")],
  [/^\/record$/, () => import("./access_record.js")],
  [/^\/account$/, () => import("./own_account.js")],
  [/^\/sign-in-failed\/([a-z-]+)$/, () => import("./sign_in_failed.js")],
];
const PLACES = [
  ["/experiments", "Experiments"],
  ["/assignments", "Assignments"],
  ["/events", "Events"],
  ["/dead-letters", "Dead letters", "admin"],
  ["/people", "People", "admin"],
  ["/keys", "API keys", "admin"],
  ["/record", "Record", "admin"],
];

const top = document.getElementById("top");
const main = document.getElementById("main");
let me = null;
let leave = () => {};
let shown = 0;

const path = () => location.hash.slice(1) || "/experiments";

function brand() {
  return h("a", { class: "brand", href: "#/experiments" }, h("img", { src: new URL("./icon.svg", import.meta.url).href, alt: "" }), "Experiments");
}

function frame() {
  if (!me) return fill(top, brand());
  const here = path();
  const links = PLACES.filter(([, , scope]) => !scope || me.scopes.includes(scope)).map(([to, name]) =>
    h("li", {}, h("a", { href: `#${to}`, "aria-current": here.startsWith(to) ? "page" : null }, name)));
  return fill(top, brand(),
    h("nav", { "aria-label": "Main" }, h("ul", { class: "nav" }, links)),
    h("div", { class: "who" }, h("a", { href: "#/account", title: "Your account", "aria-current": here === "/account" ? "page" : null }, me.id), h("button", { type: "button", class: "little", onclick: leaveForGood }, "Sign out")));
}

async function leaveForGood() {
  if (!(await signOut())) say("You are still signed in: the server did not answer. Try again.");
}

async function show() {
  const turn = ++shown;
  leave();
  leave = () => {};
  try {
    if (path() === "/signed-in") await arrived();
    if (!isSignedIn()) me = null;
    else me ??= await get("/auth/me");
    frame();
    top.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    const view = me || path().startsWith("/sign-in-failed/") ? matched() : { load: () => import("./sign_in.js"), values: [show] };
    const module = await view.load();
    const page = await module.view(...view.values, me);
    if (turn !== shown) return page.leave?.();
    leave = page.leave ?? leave;
    fill(main, page.element);
    document.title = `${page.title} · Experiments`;
    (main.querySelector("[data-focus]") ?? main.querySelector("h1") ?? main).focus({ preventScroll: true });
    window.scrollTo(0, 0);
  } catch (problem) {
    if (problem.status === 401) return undefined;
    fill(main, h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "This page cannot be shown"), explained(problem),
      h("button", { type: "button", onclick: show }, "Try again")));
  }
  return undefined;
}

function matched() {
  for (const [pattern, load] of ROUTES) {
    const found = path().match(pattern);
    if (found) return { load, values: [found[1] ? decodeURIComponent(found[1]) : null] };
  }
  return { load: async () => ({ view: async () => nowhere() }), values: [] };
}

function nowhere() {
  return { title: "Not found", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "There is no such page"), h("a", { href: "#/experiments" }, "To the experiments")) };
}

// The address after # is the view's, so the link to the content must not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
whenEnded(() => { me = null; show(); });
window.addEventListener("hashchange", show);
show();
