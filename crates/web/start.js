// Runs before the first paint: sets the theme chosen earlier, then loads the page's program and says so when it cannot.
(() => {
  "use strict";
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("statemesh:theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // Storage is off: the system's theme stays.
  }

  const whenParsed = (then) =>
    document.readyState === "loading"
      ? document.addEventListener("DOMContentLoaded", then, { once: true })
      : then();

  const stop = (sentence) =>
    whenParsed(() => {
      document.getElementById("starting").textContent = sentence;
      root.dataset.stopped = "";
    });

  if (typeof WebAssembly !== "object") {
    stop("This browser cannot run the mesh peer: WebAssembly is off.");
    return;
  }
  const program = document.querySelector('meta[name="statemesh-program"]');
  const script = import(program.content);
  whenParsed(() =>
    script
      .then((module) => module.default({ module_or_path: program.dataset.wasm }))
      .catch((error) => {
        console.error(error);
        stop("The page could not load its program. Reload it to try again. (" + error.message + ")");
      }),
  );
})();
