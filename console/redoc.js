// Shows the API's OpenAPI document in ReDoc.
window.Redoc.init("/openapi.json", { hideLoading: true, nativeScrollbars: true }, document.getElementById("docs"));
