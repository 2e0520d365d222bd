// Runs before the first paint: sets the theme chosen earlier, then loads the page's program and says so when
// it cannot or when the program ends.
(() => {
  "use strict";
  const root = document.documentElement;
  try {
    // `v1 theme=dark ...`; the theme had a key of its own once.
    const kept = localStorage.getItem("statemesh:settings");
    const theme = kept === null ? localStorage.getItem("statemesh:theme") : / theme=(\w+)/.exec(kept)?.[1];
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

  const trapped = (error) => {
    if (error instanceof WebAssembly.RuntimeError)
      whenParsed(() => (document.getElementById("crash").hidden = false));
  };

  if (typeof WebAssembly !== "object") {
    stop("This browser cannot run the mesh peer: WebAssembly is off.");
    return;
  }
  // After a panic nothing of the program runs any more.
  addEventListener("error", (event) => trapped(event.error));
  addEventListener("unhandledrejection", (event) => trapped(event.reason));
  // The first use of WebRTC takes a while: it begins beside loading.
  globalThis.RTCPeerConnection?.generateCertificate({ name: "ECDSA", namedCurve: "P-256" }).catch(() => {});
  const program = document.querySelector('meta[name="statemesh-program"]');
  const script = import(program.content);
  whenParsed(() =>
    script
      .then((module) => module.default({ module_or_path: program.dataset.wasm }))
      .catch((error) => {
        console.error(error);
        trapped(error);
        stop("The page could not load its program. Reload it to try again. (" + error.message + ")");
      }),
  );
})();
