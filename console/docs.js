// Shows the API's OpenAPI document in Swagger UI; calls go to this host, with its cookies.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
  withCredentials: true,
});
