// Runs the engine as a WebAssembly module. docs/lab-session.md describes its exports.

interface Exports {
  memory: WebAssembly.Memory;
  smolstep_allocate(len: number): number;
  /** Returns the length of the answer. */
  smolstep_call(request: number, len: number): number;
  smolstep_answer(): number;
}

const engine = load();

self.addEventListener("message", ({ data }: MessageEvent<string>) => {
  engine.then(
    (exports) => {
      try {
        self.postMessage({ text: data === "" ? "" : call(exports, data) });
      } catch {
        self.postMessage({ error: "the engine has failed: reload the page" });
      }
    },
    () => self.postMessage({ error: "smolstep.wasm cannot be loaded: build the folder with scripts/web" }),
  );
});

async function load(): Promise<Exports> {
  const response = await fetch("smolstep.wasm");
  const module = await WebAssembly.compile(await response.arrayBuffer());
  const instance = await WebAssembly.instantiate(module, {});
  return instance.exports as unknown as Exports;
}

function call(exports: Exports, request: string): string {
  const bytes = new TextEncoder().encode(request);
  const address = exports.smolstep_allocate(bytes.length);
  new Uint8Array(exports.memory.buffer, address, bytes.length).set(bytes);
  const len = exports.smolstep_call(address, bytes.length);
  // The call can have moved the memory, so `memory.buffer` is read again.
  return new TextDecoder().decode(new Uint8Array(exports.memory.buffer, exports.smolstep_answer(), len));
}
