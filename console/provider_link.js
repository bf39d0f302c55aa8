// Signing in at the OpenID provider: a link to where it begins, nothing where none is set up.

import { h } from "./dom.js";

export async function providerLink({ fresh = false } = {}) {
  const answer = await fetch("/auth/methods").catch(() => null);
  const { oidc } = answer?.ok ? await answer.json() : {};
  if (!oidc) return null;
  return h("a", { class: "button", href: `${oidc.href}${fresh ? "?fresh=true" : ""}` }, `Sign in with ${oidc.name}`);
}
