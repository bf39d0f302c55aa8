// Shows the API's OpenAPI document in ReDoc, in the reader's own light or dark.
const DARK = {
  colors: {
    primary: { main: "#90a8ff" },
    success: { main: "#7bd79c" },
    error: { main: "#ff9a91" },
    text: { primary: "#e8ebf1", secondary: "#a5aebd" },
    border: { dark: "#2d3542", light: "#2d3542" },
    gray: { 50: "#1f2530", 100: "#2d3542" },
    responses: {
      success: { color: "#7bd79c", backgroundColor: "#17301f", tabTextColor: "#7bd79c" },
      error: { color: "#ff9a91", backgroundColor: "#3b1b19", tabTextColor: "#ff9a91" },
      redirect: { color: "#f0c06a", backgroundColor: "#362a12", tabTextColor: "#f0c06a" },
      info: { color: "#90a8ff", backgroundColor: "#212c52", tabTextColor: "#90a8ff" },
    },
  },
  schema: { nestedBackground: "#1f2530", typeNameColor: "#a5aebd", typeTitleColor: "#a5aebd", linesColor: "#7c8698",
    requireLabelColor: "#ff9a91" },
  sidebar: { backgroundColor: "#0f131a", textColor: "#e8ebf1" },
  rightPanel: { backgroundColor: "#0f131a",
    servers: { overlay: { backgroundColor: "#1f2530", textColor: "#e8ebf1" }, url: { backgroundColor: "#0f131a" } } },
  typography: { code: { color: "#ff9a91", backgroundColor: "#1f2530" } },
};
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const options = { hideLoading: true, nativeScrollbars: true, theme: dark.matches ? DARK : {} };
window.Redoc.init("/openapi.json", options, document.getElementById("docs"));
dark.addEventListener("change", () => window.location.reload()); // ReDoc reads its theme once
