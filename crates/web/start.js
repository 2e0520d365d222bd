// Runs before the first paint: takes what lets somebody join out of the address, sets the theme chosen earlier, then
// loads the page's program and says so when it cannot or when the program ends.
(() => {
  "use strict";
  const root = document.documentElement;
  // What lets somebody join leaves the address bar before anything is painted.
  const parts = location.hash.slice(1).split("&");
  const join = parts.find((part) => part.startsWith("j="));
  if (join) {
    try {
      sessionStorage.setItem("statemesh:join", join.slice(2));
    } catch {
      root.dataset.join = join.slice(2);
    }
    const rest = parts.filter((part) => !part.startsWith("j=")).join("&");
    history.replaceState(null, "", location.pathname + location.search + (rest && rest !== "v=1" ? "#" + rest : ""));
  }
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
  // Views that have to be opened are not part of what runs first. Where one of them is the first, both parts come
  // together; else the rest comes when the first runs, or as soon as somebody reaches for something: the relay may be
  // gone when it is wanted.
  let whenRunning = () => {};
  const load = (module) => {
    globalThis.statemeshRest = module.prepareRest;
    const rest = () => module.prepareRest?.();
    if (/^\/(m|mesh|peers|compare|settings)\b/.test(location.pathname))
      return Promise.all([fetch(program.dataset.wasm), rest()]).then(([answer]) => answer);
    const prepare = () => rest()?.catch(() => {});
    for (const kind of ["pointermove", "pointerdown", "keydown"]) addEventListener(kind, prepare, { once: true });
    whenRunning = () => setTimeout(prepare, 1000);
    return program.dataset.wasm;
  };
  whenParsed(() =>
    script
      .then((module) => module.default({ module_or_path: load(module) }))
      .then(() => whenRunning())
      .catch((error) => {
        console.error(error);
        trapped(error);
        stop("The page could not load its program. Reload it to try again. (" + error.message + ")");
      }),
  );
})();
