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
      // The page's own module sends the commands, so the test compares the answers that reach the page.
      answers.push(
        await page.evaluate(async (commands) => {
          const { openEngine } = await import("./engine.js");
          const { engine } = await openEngine();
          const answers = [];
          for (const command of commands) {
            const failed = ({ message, line, column }) => ({ message, line, column });
            answers.push(JSON.stringify(await engine.command(command).catch(failed)));
          }
          return answers;
        }, COMMANDS),
      );
    });
  }
  COMMANDS.forEach((command, place) => {
    assert.equal(answers[1][place], answers[0][place], JSON.stringify(command));
    assert.equal(answers[0][place].length > 20, true, answers[0][place]);
  });
});
