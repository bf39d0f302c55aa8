// Shows the API's OpenAPI document in Swagger UI; calls go to this host, with its cookies.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches); // Swagger UI's own theme
follow();
dark.addEventListener("change", follow);
document.addEventListener("DOMContentLoaded", () => window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
  withCredentials: true,
}));
