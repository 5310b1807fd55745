// axe-core looks for faults that exclude a reader, for example a blind one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arrow, tab, withBothEngines } from "./lab.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TABS = ["States", "Numbers", "Frame", "Graphs", "Network", "Exercise", "File", "Share"];

/** Returns the serious faults of the page as it is now. */
async function faults(page) {
  const found = await page.evaluate(async () => (await globalThis.axe.run(document)).violations);
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 5).join(", ")}`);
}

for (const colorScheme of ["light", "dark"]) {
  withBothEngines(
    `axe finds no serious fault in any panel (${colorScheme})`,
    "exercise=01-handshake",
    async (page) => {
      // The browser itself runs this script, so the page's content security policy does not apply.
      await page.evaluate(AXE);
      await arrow(page, /\bSYN,ACK\b/).focus();
      await page.keyboard.press("d");
      await page.getByRole("navigation", { name: "runs" }).waitFor();
      await page.getByLabel("beside it:").selectOption("a");
      const all = [];
      for (const name of TABS) {
        await tab(page, name);
        all.push(...(await faults(page)).map((fault) => `${name}: ${fault}`));
      }
      assert.deepEqual([...new Set(all)], []);
    },
    { colorScheme, reducedMotion: "reduce" },
  );
}
