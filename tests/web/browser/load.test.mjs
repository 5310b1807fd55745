// The page loads, and says what is wrong if its engine is missing.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { address, engines, open, withBothEngines, withPage } from "./lab.mjs";

withBothEngines("the page loads without an error", "scenario=handshake", async (page) => {
  assert.match(await page.title(), /smolstep/);
  assert.equal(await page.locator("#loading").isHidden(), true);
  assert.equal(await page.locator("#error").isHidden(), true);
  await page.getByRole("button", { name: /\bSYN\b.*client → server/ }).first().waitFor();
});

withBothEngines("a fragment that is damaged is an error, and the page goes on", "lab=AAAA", async (page) => {
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.textContent(), /^1:\d+: /);
});

const FAULTY = [
  ["nonsense", /^1:1: 'nonsense' should be scenario=NAME/],
  ["scenario", /^1:1: 'scenario' should be/],
  ["lab=%00", /^1:5: .*character/],
  ["lab=ab$c", /^1:7: .*character/],
  ["lab=", /^1:4: .*damaged/],
  [`lab=${"A".repeat(10_000)}`, /^1:8193: .*8 KB/],
  ["scenario=nothing", /^1:10: .*nothing/],
  ["scenario=lost%2synack", /^1:14: '%' cannot be in a name/],
  ["scenario=", /^1:10: /],
  ["exercise=../x", /^1:10: '\.' cannot be in a name/],
  ["<img src=x onerror=alert(1)>", /^1:1: /],
];

for (const [fragment, message] of FAULTY) {
  withBothEngines(`the page goes on after the fragment ${fragment.slice(0, 30)}`, fragment, async (page) => {
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.textContent(), message);
    assert.equal(await page.locator("[data-frame]").count() > 0, true);
    assert.equal(await page.locator("img[src=x]").count(), 0);
    // The page goes on: a good fragment clears the error.
    await page.evaluate(() => (location.hash = "#scenario=time-wait"));
    await alert.waitFor({ state: "hidden" });
    // The experiment stays after a bad fragment.
    await page.evaluate(() => (location.hash = "#program=none"));
    await alert.getByText(/^1:9: /).waitFor();
    assert.match(await page.locator(".subtitle").textContent(), /TIME-WAIT/);
  });
}

for (const engine of engines) {
  test(`the page works at a second address of this computer (${engine.name})`, async () => {
    const url = (await address(engine)).replace("127.0.0.1", "localhost");
    await withPage(url, {}, (page) => open(page, url));
  });
}

test("the page says that the program has ended", async () => {
  const child = spawn(process.env.SMOLSTEP, ["lab", "--web", "lost-synack"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const line = await new Promise((resolve) => child.stdout.once("data", (bytes) => resolve(String(bytes))));
  const url = /http:\S+/.exec(line)[0];
  await withPage(url, {}, async (page, problems) => {
    await open(page, url);
    // When the program ends, no request is under way.
    await page.getByRole("region", { name: "Why" }).getByRole("link").first().waitFor();
    child.kill("SIGINT");
    assert.equal(await exited, 0);
    await page.getByRole("button", { name: "next packet" }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.textContent(), /smolstep/);
    // The browser logs the failed request itself.
    assert.equal(problems.every((problem) => problem.includes("ERR_CONNECTION_REFUSED")), true, problems.join("\n"));
    problems.length = 0;
  });
});
