// Each panel shows its part of the run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { STEP, address, arrow, engines, holdBack, open, saved, tab, until, withBothEngines, waitForStep, withPage } from "./lab.mjs";

withBothEngines("why explains a step, with a link to the RFC", "scenario=handshake", async (page) => {
  const why = page.getByRole("region", { name: "Why" });
  await why.getByText("The run has not begun.").waitFor();
  await until(page, "client=ESTABLISHED");
  const link = why.getByRole("link", { name: /^RFC \d+/ }).first();
  await link.waitFor();
  assert.match(await link.getAttribute("href"), /^https:\/\/(www\.rfc-editor\.org|datatracker\.ietf\.org)\//);
  assert.match(await link.getAttribute("rel"), /noreferrer/);
});

test("a step is drawn before its explanation arrives, and never beside that of another step", async () => {
  const [native] = engines;
  const url = await address(native);
  await withPage(url, {}, async (page) => {
    const why = await holdBack(page, (command) => command.do === "why");
    await open(page, `${url}#scenario=handshake`);
    const panel = page.getByRole("region", { name: "Why" });
    await until(page, "client=SYN-SENT");
    await page.waitForFunction(() => /SYN-SENT/.test(document.querySelector(".ladder-head").textContent));
    assert.deepEqual((await panel.locator(".answer").allTextContents()).filter((text) => text !== ""), []);
    // The answers to the first step arrive after the reader has gone on.
    await why.waiting();
    await until(page, "client=ESTABLISHED");
    await why.all();
    await panel.getByText("SYN,ACK arrived").first().waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll(".why .answer")].every((answer) => answer.textContent !== ""));
    assert.doesNotMatch(await panel.textContent(), /SYN asks for a connection|A program asks for a connection/);
  });
});

withBothEngines("the state machines light the current states", "scenario=handshake", async (page) => {
  const panel = await tab(page, "States");
  await until(page, "client=ESTABLISHED");
  await panel.locator(".here.side-0").waitFor();
  assert.match(await panel.locator("svg title").first().textContent(), /client: ESTABLISHED/);
  assert.equal(await panel.locator(".box.visited").count() > 1, true);
  // A click on an earlier state goes back to its step.
  await panel.getByRole("button", { name: /^SYN-SENT/ }).click();
  await page.waitForFunction(() => /client: SYN-SENT/.test(document.querySelector("svg.states title").textContent));
});

withBothEngines("the control block marks what has changed", "scenario=handshake", async (page) => {
  const panel = await tab(page, "Numbers");
  await until(page, "client=ESTABLISHED");
  await panel.getByRole("row", { name: /cwnd/ }).waitFor();
  for (const name of ["ssthresh", "RTO", "SRTT", "RTTVAR"]) {
    assert.equal(await panel.getByRole("rowheader", { name }).count() > 0, true, name);
  }
  assert.equal(await panel.locator("td.changed").count() > 0, true);
  assert.match(await panel.locator("td.changed").first().getAttribute("title"), /before:/);
});

withBothEngines("a value leads to the step of its last change", "scenario=congestion-avoidance", async (page) => {
  const panel = await tab(page, "Numbers");
  await page.getByRole("button", { name: "to the end (End)" }).click();
  await waitForStep(page, { last: true });
  const value = panel.getByRole("row", { name: /^ssthresh/ }).getByRole("button").first();
  await value.focus();
  await page.keyboard.press("Enter");
  await panel.getByRole("row", { name: /^ssthresh/ }).locator("td.changed").waitFor();
  await panel.getByRole("row", { name: /^cwnd/ }).locator("td.changed").waitFor();
  await page.getByRole("region", { name: "Why" }).getByText(/ACK arrives/).first().waitFor();
  assert.equal(await value.evaluate((node) => node === document.activeElement), true);
});

withBothEngines("timers that run are bars", "scenario=lost-synack", async (page) => {
  const panel = await tab(page, "Numbers");
  await until(page, "client=SYN-SENT");
  await page.getByRole("button", { name: "next packet", exact: true }).click();
  await panel.getByRole("meter").first().waitFor();
});

withBothEngines("the byte strip names what holds bytes", "scenario=small-window", async (page) => {
  const panel = await tab(page, "Numbers");
  await until(page, "client=ESTABLISHED");
  await page.getByRole("button", { name: STEP }).click();
  const strips = panel.getByRole("region", { name: "Bytes" });
  await strips.locator(".strip .part").first().waitFor();
  // At some step of this run, the peer's window holds bytes back.
  const words = /held by the peer's window|by the peer's window/;
  for (let presses = 0; presses < 200; presses++) {
    if (words.test(await strips.textContent())) return;
    await page.getByRole("button", { name: STEP }).click();
  }
  assert.fail("no bytes are held by the peer's window");
});

withBothEngines("held bytes always have a reason", "scenario=slow-start", async (page) => {
  // All steps of the run, as the panel gets them.
  const reasons = await page.evaluate(async () => {
    const [{ openEngine }, { Trace }, { sending }] = await Promise.all(["./engine.js", "./trace.js", "./bytes.js"].map((file) => import(file)));
    const { engine } = await openEngine();
    const trace = new Trace((await engine.command({ do: "new", scenario: "slow-start" })).run);
    while (await trace.fetchMore(engine));
    const reasons = new Set();
    for (let step = 0; step <= trace.run.steps; step++) {
      for (const holds of trace.endsAt(0, step).holds) {
        for (const { kind, len, note } of sending(holds)) if (kind === "held" && len > 0) reasons.add(note ?? "none");
      }
    }
    return [...reasons];
  });
  assert.equal(reasons.includes("by the congestion window"), true, reasons.join());
  assert.equal(reasons.includes("none"), false, reasons.join());
});

withBothEngines("a frame is shown byte by byte, with its checksum", "scenario=handshake", async (page) => {
  const panel = await tab(page, "Frame");
  await arrow(page, /\bSYN,ACK\b/).focus();
  await panel.locator(".byte").first().waitFor();
  const port = panel.getByRole("row", { name: /port/i }).first();
  await port.focus();
  assert.equal(await panel.locator(".byte.on").count(), 2);
  const checksum = panel.locator(".checksum").first();
  assert.match(await checksum.locator("summary").textContent(), /✓ right/);
  assert.match(await checksum.textContent(), /pseudo-header/);
});

withBothEngines("a damaged frame is shown as it was sent", "scenario=corrupted", async (page) => {
  const panel = await tab(page, "Frame");
  const damaged = page.locator("[data-frame].altered, [data-frame].lost").first();
  await damaged.focus();
  const number = await damaged.getAttribute("data-frame");
  await panel.getByRole("heading", { name: new RegExp(`^frame ${number}: .* as it was sent`) }).waitFor();
  await panel.locator(".checksum").getByText("✓ right").first().waitFor();
});

withBothEngines("the graphs follow the run", "scenario=slow-start", async (page) => {
  const panel = await tab(page, "Graphs");
  const image = panel.locator("img.graph");
  const drawn = () => page.waitForFunction(() => (document.querySelector("img.graph")?.naturalWidth ?? 0) > 0);
  await drawn();
  for (const kind of ["cwnd", "rtt", "throughput", "time-sequence"]) {
    const before = await image.getAttribute("src");
    await panel.getByRole("combobox").selectOption(kind);
    await page.waitForFunction((before) => document.querySelector("img.graph").src !== before, before);
    await drawn();
  }
  const whole = await image.getAttribute("src");
  await panel.getByRole("button", { name: "zoom in" }).click();
  await page.waitForFunction((before) => document.querySelector("img.graph").src !== before, whole);
  await drawn();
  await panel.getByRole("button", { name: "whole run" }).click();
  // A click goes to the time under the pointer.
  const box = await panel.locator(".graph-frame").boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await waitForStep(page, { above: 0 });
  await panel.locator(".cursor").waitFor();
});

withBothEngines("a run with the name of a removed run is explained anew", "scenario=handshake", async (page) => {
  const why = page.getByRole("region", { name: "Why" });
  const answers = [];
  for (const key of ["d", "c"]) {
    await arrow(page, /\bSYN,ACK\b/).focus();
    await page.keyboard.press(key);
    await page.getByRole("button", { name: /^run b: / }).waitFor();
    await why.getByText(/SYN,ACK/).first().waitFor();
    const answer = why.locator(".answer:not(:empty)").first();
    await answer.waitFor();
    answers.push(await answer.textContent());
    await page.getByRole("button", { name: "remove run b" }).click();
    await page.getByRole("navigation", { name: "runs" }).waitFor({ state: "hidden" });
  }
  assert.match(answers[0], /never arrives/);
  assert.doesNotMatch(answers[1], /never arrives/);
});

withBothEngines("a text of one's own runs, and an error has its line and column", "scenario=handshake", async (page) => {
  const panel = await tab(page, "File");
  const area = panel.getByRole("textbox");
  const text = await area.inputValue();
  await area.fill(`${text}\nfault drop server synak 1\n`);
  await panel.getByRole("button", { name: "run this text" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.textContent(), /^\d+:\d+: .*synak/);
  // The earlier run is still there.
  assert.equal(await page.locator("[data-frame]").count() > 0, true);
  await area.fill(text);
  await panel.getByRole("button", { name: "run this text" }).click();
  await alert.waitFor({ state: "hidden" });
  await panel.locator("input[type=file]").setInputFiles({ name: "my.lab", mimeType: "text/plain", buffer: Buffer.from([0xff, 0, 0x3c]) });
  await alert.waitFor();
});

withBothEngines("everything that is saved has its format", "scenario=handshake", async (page) => {
  const panel = await tab(page, "Share");
  const button = (name) => panel.getByRole("button", { name, exact: true });
  const text = async (name) => (await saved(page, button(name))).bytes.toString();
  assert.match(await text("ladder, SVG"), /^<svg|^<\?xml/);
  assert.match(await text("graph, SVG"), /^<svg|^<\?xml/);
  assert.match(await text("states, SVG"), /^<svg|^<\?xml/);
  for (const name of ["ladder, PNG", "graph, PNG", "states, PNG"]) {
    assert.equal((await saved(page, button(name))).bytes.subarray(1, 4).toString(), "PNG");
  }
  assert.equal((await saved(page, button("capture (pcapng)"))).bytes.readUInt32LE(0), 0x0a0d0d0a);
  const lines = (await text("JSON")).trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.some((line) => line.flags === "SYN" || line.label?.startsWith("SYN")), true);
  assert.match(await text(".lab file"), /client calls/);
  assert.match(await text("Mermaid"), /^sequenceDiagram/);
});

withBothEngines("the saved pictures show what the page shows", "scenario=handshake", async (page) => {
  const panel = await tab(page, "Share");
  const svg = async (name) => (await saved(page, panel.getByRole("button", { name, exact: true }))).bytes.toString();
  const shown = [["ARP", /ARP/], ["clock", />clock</], ["options", / mss=\d/], ["raw numbers", /SYN seq=\d{4}/]];
  const plain = await svg("ladder, SVG");
  for (const [, pattern] of shown) assert.doesNotMatch(plain, pattern);
  for (const [name] of shown) await page.getByRole("checkbox", { name }).check();
  const whole = await svg("ladder, SVG");
  for (const [, pattern] of shown) assert.match(whole, pattern);
  // The states up to the current step.
  const visited = async () => (await svg("states, SVG")).length;
  const atStart = await visited();
  await until(page, "client=ESTABLISHED");
  assert.notEqual(await visited(), atStart);
});

withBothEngines("a link is the whole experiment", "scenario=handshake", async (page) => {
  await arrow(page, /\bSYN,ACK\b/).focus();
  await page.keyboard.press("d");
  await page.getByRole("navigation", { name: "runs" }).waitFor();
  const panel = await tab(page, "Share");
  await panel.getByRole("button", { name: "make a link" }).click();
  await page.waitForFunction(() => location.hash.startsWith("#lab="));
  // The address is now the link.
  await page.reload();
  await page.locator("[data-frame]").first().waitFor();
  assert.match(await arrow(page, /\bSYN,ACK\b/).getAttribute("aria-label"), /lost$/);
});
