"use strict";
// Runs the engine as a WebAssembly module. docs/lab-session.md describes its exports.
const engine = load();
self.addEventListener("message", ({ data }) => {
    engine.then((exports) => {
        try {
            self.postMessage({ text: data === "" ? "" : call(exports, data) });
        }
        catch {
            self.postMessage({ error: "the engine has failed: reload the page" });
        }
    }, () => self.postMessage({ error: "smolstep.wasm cannot be loaded: build the folder with scripts/web" }));
});
async function load() {
    const response = await fetch("smolstep.wasm");
    const module = await WebAssembly.compile(await response.arrayBuffer());
    const instance = await WebAssembly.instantiate(module, {});
    return instance.exports;
}
function call(exports, request) {
    const bytes = new TextEncoder().encode(request);
    const address = exports.smolstep_allocate(bytes.length);
    new Uint8Array(exports.memory.buffer, address, bytes.length).set(bytes);
    const len = exports.smolstep_call(address, bytes.length);
    // The call can have moved the memory, so `memory.buffer` is read again.
    return new TextDecoder().decode(new Uint8Array(exports.memory.buffer, exports.smolstep_answer(), len));
}
