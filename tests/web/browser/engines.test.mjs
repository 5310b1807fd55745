// Both engines give the same answers to the page's commands.

import assert from "node:assert/strict";
import { test } from "node:test";
import { address, engines, open, withPage } from "./lab.mjs";

const COMMANDS = [
  { do: "list", lang: "zh" },
  { do: "new", scenario: "fast-retransmit", settings: { latency_us: 5000, loss_percent: 2 }, seed: 12 },
  { do: "trace", run: "a", from: 0, count: 5000 },
  { do: "fault", run: "a", step: 8, frame: 4, fault: "drop" },
  { do: "trace", run: "b", from: 0, count: 5000 },
  { do: "why", run: "b", entry: 20 },
  { do: "until", run: "a", step: 0, goal: "loss" },
  { do: "table", run: "a", step: 40 },
  { do: "frame", run: "a", frame: 5 },
  { do: "svg", run: "a", kind: "cwnd" },
  { do: "pcapng", run: "b" },
  { do: "mermaid", run: "b" },
  { do: "export", run: "b" },
  { do: "new", lab: "title x\nclient calls\n" },
  { do: "nonsense" },
  { do: "new", scenario: "recovery-and-timeout", lang: "zh" },
  { do: "trace", run: "a", from: 0, count: 5000 },
  { do: "why", run: "a", entry: 60 },
];

test("the engines give the same answers", { skip: engines.length > 1 ? false : "there is one engine" }, async () => {
  const answers = [];
  for (const engine of engines) {
    const url = await address(engine);
    await withPage(url, {}, async (page) => {
      await open(page, `${url}#scenario=handshake`);
      // The bytes of the answers, as they arrive from the program or from the module, before the page parses them.
      answers.push(await page.evaluate(engine.name === "wasm" ? bytesOfModule : bytesOfProgram, COMMANDS));
    });
  }
  COMMANDS.forEach((command, place) => {
    assert.equal(answers[1][place], answers[0][place], JSON.stringify(command));
    assert.equal(answers[0][place].length > 20, true, answers[0][place]);
  });
});

/** Sends commands to the program. Returns the bytes of the answers, each byte as a character. */
async function bytesOfProgram(commands) {
  const post = (url, body) => fetch(url, { method: "POST", body });
  const { id } = await (await post("session", "")).json();
  const answers = [];
  for (const command of commands) {
    const bytes = new Uint8Array(await (await post(`session/${id}`, JSON.stringify(command))).arrayBuffer());
    answers.push(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }
  return answers;
}

/** Sends commands to an instance of the module. Returns the bytes of the answers, each byte as a character. */
async function bytesOfModule(commands) {
  const module = await (await fetch("smolstep.wasm")).arrayBuffer();
  const { memory, smolstep_allocate, smolstep_call, smolstep_answer } = (await WebAssembly.instantiate(module, {})).instance.exports;
  return commands.map((command) => {
    const request = new TextEncoder().encode(JSON.stringify(command));
    const address = smolstep_allocate(request.length);
    new Uint8Array(memory.buffer, address, request.length).set(request);
    const len = smolstep_call(address, request.length);
    const bytes = new Uint8Array(memory.buffer, smolstep_answer(), len);
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  });
}
