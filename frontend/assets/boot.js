// Sets the theme before anything is painted, loads the page, and shows a card instead of a dead page when it stops.
// A file of its own, because the Content-Security-Policy allows no inline script.
(() => {
  "use strict";
  try {
    const theme = localStorage.getItem("signalbox.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; the theme then follows the system.
  }

  const crash = (message) => {
    const card = document.getElementById("crash");
    if (!card || !card.hidden) return;
    document.getElementById("crash-message").textContent = message;
    const reload = document.getElementById("crash-reload");
    reload.addEventListener("click", () => location.reload());
    card.hidden = false;
    reload.focus();
  };
  // The panic hook calls this.
  globalThis.signalboxCrash = crash;
  // A trap that no hook saw, such as memory that cannot grow.
  addEventListener("error", (event) => {
    if (event.error instanceof WebAssembly.RuntimeError) crash(String(event.error));
  });

  const fail = (error) => {
    const text = document.getElementById("boot-text");
    if (text) text.textContent = `The page could not be loaded: ${error}`;
    console.error(error);
  };
  if (typeof WebAssembly !== "object") {
    addEventListener("DOMContentLoaded", () => fail("this browser has no WebAssembly"));
    return;
  }
  import("./signalbox-frontend.js")
    .then((page) => page.default({ module_or_path: new URL("signalbox-frontend_bg.wasm", document.baseURI) }))
    .catch(fail);
})();
