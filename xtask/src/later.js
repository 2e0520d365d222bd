const restUrl = import.meta.url.replace(/\.js$/, "_rest.wasm");
let restModule, restAsked, restInstance;
export const prepareRest = () => {
if (restModule) return;
return restAsked ??= WebAssembly.compileStreaming(fetch(restUrl)).then(
(module) => void (restModule ??= module),
(error) => { restAsked = undefined; throw error; },
);
};
function restNow() {
const request = new XMLHttpRequest();
request.open("GET", restUrl, false);
request.overrideMimeType("text/plain; charset=x-user-defined");
request.send();
if (request.status !== 200) throw new Error("the rest of the program: " + request.status);
return new WebAssembly.Module(Uint8Array.from(request.responseText, (letter) => letter.charCodeAt(0)));
}
const later = new Proxy({}, { get: (_, place) => (...given) => {
restInstance ??= new WebAssembly.Instance(restModule ??= restNow(), { first: wasm });
return wasm.TABLE.get(+place)(...given);
} });
