// Shows the API's OpenAPI document in Swagger UI; calls go to this host, with its cookies.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches); // Swagger UI's own theme
follow();
dark.addEventListener("change", follow);
document.addEventListener("DOMContentLoaded", () => window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: false, // its links lie inside buttons, where no screen reader finds them
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
  withCredentials: true,
  onComplete: () => document.getElementById("servers")?.setAttribute("aria-label", "Server"),
}));
