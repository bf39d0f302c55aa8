// Signing in with a name and a password; the tokens go into cookies.

import { fill, h } from "./dom.js";
import { providerLink } from "./provider_link.js";
import { signIn } from "./session.js";

export async function view(signedIn, _, why) {
  const fault = h("div", { role: "alert" });
  const username = h("input", { id: "username", name: "username", autocomplete: "username", required: true,
      "data-focus": true, autocapitalize: "none" });
  const password = h("input", { id: "password", name: "password", type: "password", autocomplete: "current-password",
      required: true });
  const button = h("button", { class: "primary" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    const answer = await signIn(username.value, password.value)
      .catch(() => ({ ok: false, body: { detail: "The server cannot be reached." } }));
    button.disabled = false;
    if (answer.ok) return signedIn();
    const wait = answer.wait ? ` Try again in ${answer.wait} s.` : "";
    fill(fault, h("p", { class: "alert" }, `${answer.body.detail}${wait}`));
    password.select();
    return undefined;
  };
  const elsewhere = h("div");
  providerLink().then((link) => fill(elsewhere, link));
  const element = h("form", { class: "card stack sign-in", onsubmit: submit },
    h("h1", { tabindex: -1 }, "Sign in"), why ? h("p", { class: "alert note", role: "status" }, why) : null, fault,
    h("div", {}, h("label", { for: "username" }, "User name"), username),
    h("div", {}, h("label", { for: "password" }, "Password"), password),
    h("div", {}, button), elsewhere,
    h("p", { class: "small soft" }, "The first administrator is ", h("code", {}, "admin"),
      "; the password was shown at the start, or is in the deployment's secret."));
  return { title: "Sign in", element };
}
