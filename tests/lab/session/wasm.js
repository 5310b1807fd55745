// Carries out the commands on standard input, one on each line, in a session of the WebAssembly module. Prints the
// answers, one on each line.
//
// usage: node wasm.js MODULE
"use strict";
const { readFileSync } = require("node:fs");

async function main() {
  const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
  const { memory, smolstep_allocate, smolstep_answer, smolstep_call } = instance.exports;
  for (const command of readFileSync(0, "utf8").split("\n").slice(0, -1)) {
    const bytes = Buffer.from(command);
    const address = smolstep_allocate(bytes.length);
    new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
    const length = smolstep_call(address, bytes.length);
    process.stdout.write(Buffer.from(memory.buffer, smolstep_answer(), length).toString() + "\n");
  }
}

main();
