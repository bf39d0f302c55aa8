// The console's frame: who is signed in, where one can go, and which view the address asks for.

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { explained, say } from "./feedback.js";
import { icon } from "./icons.js";
import { arrived, isSignedIn, signOut, whenEnded } from "./session.js";

const ROUTES = [
  [/^\/experiments$/, () => import("./experiments_list.js")],
  [/^\/experiments\/new$/, () => import("./experiment_form.js")],
  [/^\/experiments\/([^/]+)(?:\/(setup|debug|history))?$/, () => import("./experiment_page.js")],
  [/^\/experiments\/([^/]+)\/edit$/, () => import("./experiment_form.js")],
  [/^\/layers$/, () => import("./layers.js")],
  [/^\/notifications$/, () => import("./notifications.js")],
  [/^\/sample-size$/, () => import("./sample_size.js")],
  [/^\/assignments$/, () => import("./lookup.js")],
  [/^\/events$/, () => import("./event_types.js")],
  [/^\/dead-letters$/, () => import("./dead_letters.js")],
  [/^\/people$/, () => import("./people.js")],
  [/^\/keys$/, () => import("./keys.js")],
  [/^\/record$/, () => import("./access_record.js")],
  [/^\/user-data$/, () => import("./personal_data.js")],
  [/^\/account$/, () => import("./own_account.js")],
  [/^\/sign-in-failed\/([a-z-]+)$/, () => import("./sign_in_failed.js")],
];
const GROUPS = [
  ["Experiments", [["/experiments", "All experiments", "fork"], ["/notifications", "Notifications", "bell"],
      ["/layers", "Layers", "layers"], ["/sample-size", "Sample size", "ruler"]]],
  ["Data", [["/assignments", "Assignments", "user"], ["/events", "Events", "pulse"]]],
  ["Admin", [["/people", "People", "people"], ["/keys", "API keys", "key"], ["/user-data", "User data", "folder"],
      ["/record", "Audit", "list"], ["/dead-letters", "Dead letters", "inbox"]], "admin"],
];
const PRODUCT = "Evenhand";

const top = document.getElementById("top");
const main = document.getElementById("main");
const SKELETON_AFTER_MS = 150;
let me = null;
let leave = () => {};
let shown = 0;
let why = null; // the session ended, until somebody signs in again

const address = () => location.hash.slice(1) || "/experiments";
const path = () => address().split("?")[0];

function brand() {
  return h("a", { class: "brand", href: "#/experiments" },
    h("img", { src: new URL("./icon.svg", import.meta.url).href, alt: "" }), PRODUCT);
}

function frame() {
  top.classList.remove("open");
  document.body.classList.toggle("framed", Boolean(me));
  if (!me) return fill(top, brand());
  const here = path();
  const link = ([to, name, picture]) => h("li", {},
    h("a", { href: `#${to}`, "aria-current": here.startsWith(to) ? "page" : null,
        onclick: () => top.classList.remove("open") }, icon(picture), name));
  const groups = GROUPS.filter(([, , scope]) => !scope || me.scopes.includes(scope)).map(([name, places], index) =>
    [h("p", { class: "group", id: `group-${index}` }, name),
      h("ul", { class: "nav", "aria-labelledby": `group-${index}` }, places.map(link))]);
  const menu = h("button", { type: "button", class: "menu", "aria-expanded": "false", "aria-controls": "places",
      onclick: () => menu.setAttribute("aria-expanded", String(top.classList.toggle("open"))) }, icon("menu"), "Menu");
  return fill(top, brand(), menu,
    h("nav", { id: "places", "aria-label": "Main" }, groups),
    h("div", { class: "who" }, h("a",
        { href: "#/account", title: "Your account", "aria-current": here === "/account" ? "page" : null }, me.id),
      h("button", { type: "button", class: "little", onclick: leaveForGood }, "Sign out")));
}

async function leaveForGood() {
  if (!(await signOut())) say("You are still signed in: the server did not answer. Try again.");
}

async function show() {
  const turn = ++shown;
  leave();
  leave = () => {};
  const waiting = setTimeout(() => turn === shown && fill(main, skeleton()), SKELETON_AFTER_MS);
  try {
    if (path() === "/signed-in") await arrived();
    if (!isSignedIn()) me = null;
    else me ??= await get("/auth/me");
    if (me) why = null;
    frame();
    const view = me || path().startsWith("/sign-in-failed/") ? matched()
      : { load: () => import("./sign_in.js"), values: [show, why] };
    const module = await view.load();
    const page = await module.view(view.values[0], me, ...view.values.slice(1));
    if (turn !== shown) return page.leave?.();
    leave = page.leave ?? leave;
    clearTimeout(waiting);
    fill(main, page.element);
    document.title = `${page.title} · ${PRODUCT}`;
    (main.querySelector("[data-focus]") ?? main.querySelector("h1") ?? main).focus({ preventScroll: true });
    window.scrollTo(0, 0);
  } catch (problem) {
    if (problem.status === 401 || turn !== shown) return undefined;
    const title = problem.status === 404 ? "Not found" : "This page cannot be shown";
    fill(main, h("div", { class: "stack" }, h("h1", { tabindex: -1 }, title), explained(problem),
      h("div", { class: "row" }, h("button", { type: "button", class: "primary", onclick: show }, "Try again"),
        h("a", { class: "button", href: "#/experiments" }, "To the experiments"))));
    document.title = `${title} · ${PRODUCT}`;
    main.querySelector("h1").focus({ preventScroll: true });
  } finally {
    clearTimeout(waiting);
  }
  return undefined;
}

// Where a page will be, while its first answer is awaited.
function skeleton() {
  return h("div", { class: "stack", role: "status", "aria-label": "Loading" },
    ["title", "block", "block tall"].map((kind) => h("div", { class: `skeleton ${kind}` })));
}

function matched() {
  for (const [pattern, load] of ROUTES) {
    const found = path().match(pattern);
    if (found) return { load, values: [found[1] ? decodeURIComponent(found[1]) : null, found[2] ?? "",
        new URLSearchParams(address().split("?")[1] ?? "")] };
  }
  return { load: async () => ({ view: async () => nowhere() }), values: [] };
}

function nowhere() {
  return { title: "Not found", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "There is no such page"),
      h("a", { href: "#/experiments" }, "To the experiments")) };
}

// The address after # is the view's, so the link to the content must not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
whenEnded((said) => { me = null; why = said; show(); });
window.addEventListener("hashchange", show);
show();
