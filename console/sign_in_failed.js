// Why somebody whom the OpenID provider sent back is not signed in.

import { h } from "./dom.js";

const REASONS = {
  "no-access": "You have no role here, your account is disabled, or the sign-in service let nobody in. Ask an administrator.",
  "name-taken": "Your name belongs to another account here. Ask an administrator.",
  "not-proven": "This browser did not begin this sign-in, it took longer than ten minutes, or it was used before. Try again.",
  unavailable: "The sign-in service does not answer. Try again, or sign in with a password.",
};

export async function view(reason) {
  const element = h("div", { class: "card stack sign-in" },
    h("h1", { tabindex: -1 }, "You are not signed in"),
    h("p", { class: "alert", role: "alert" }, REASONS[reason] ?? "Try again."),
    h("div", {}, h("a", { class: "button primary", href: "#/experiments" }, "To the sign-in page")));
  return { title: "Not signed in", element };
}
