// The questions of an exercise are marked at once, and the answers can be handed in.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saved, tab, until, withBothEngines } from "./lab.mjs";

withBothEngines("an exercise is marked, and its file of answers, too", "exercise=01-handshake", async (page) => {
  const panel = await tab(page, "Exercise");
  const questions = panel.locator("form.question");
  await questions.first().waitFor();
  const verdicts = [];
  for (let place = 0; place < (await questions.count()); place++) {
    const question = questions.nth(place);
    const hint = question.getByRole("button", { name: "hint" });
    if (await hint.count()) {
      await hint.click();
      await question.locator(".hint").waitFor();
    }
    const choice = question.getByRole("radio");
    if (await choice.count()) await choice.first().check();
    else await question.getByRole("textbox").first().fill("1");
    await question.getByRole("button", { name: "check" }).click();
    await question.locator(".verdict:not(:empty)").waitFor();
    verdicts.push(await question.locator(".verdict").textContent());
  }
  assert.equal(verdicts.every((verdict) => /^[✓✗?] /.test(verdict)), true, verdicts.join("\n"));
  const score = /points: (\d+) \/ (\d+)/.exec(await panel.locator(".score").textContent());
  // The program gives the file the same marks as the page.
  const { bytes } = await saved(page, panel.getByRole("button", { name: "save the answers" }));
  assert.match(bytes.toString(), /^seed \d+\n/);
  assert.match(marked(readFileSync(process.env.EXERCISE), bytes), new RegExp(`: ${score[1]} of ${score[2]} points`));
});

const RESET = `title "Reset"
server listens 7000
  read to end
  close
client calls 7000
  wait until 400ms
  close
question "End the connection by a reset."
  answer make client ends reset
  points 3
`;

withBothEngines("an injected segment is an answer, and is in the file of answers", "scenario=handshake", async (page) => {
  const file = await tab(page, "File");
  await file.getByRole("textbox").fill(RESET);
  await file.getByRole("button", { name: "run this text" }).click();
  const question = page.locator("form.question");
  await question.waitFor();
  await until(page, "client=ESTABLISHED");
  const line = page.getByLabel("command, as in the terminal");
  await line.fill("inject client < R 1:1(0)");
  await line.press("Enter");
  await page.getByRole("button", { name: /^run b: /, pressed: true }).waitFor();
  const panel = await tab(page, "Exercise");
  await question.getByRole("button", { name: "check" }).click();
  await question.locator(".verdict.right").waitFor();
  await panel.getByText("points: 3 / 3").waitFor();
  const { bytes } = await saved(page, panel.getByRole("button", { name: "save the answers" }));
  assert.match(bytes.toString(), /^1: at \d+us step \d+ inject server R 1:1\(0\)$/m);
  assert.match(marked(RESET, bytes), /: 3 of 3 points/);
});

withBothEngines("answers stay when the language or the run changes", "exercise=01-handshake", async (page) => {
  await tab(page, "Exercise");
  // The name of the panel changes with the language.
  const panel = page.locator(".exercise");
  const questions = panel.locator("form.question");
  await questions.first().waitFor();
  const field = questions.nth(1).locator("[type=text]");
  await field.fill("1");
  await questions.nth(1).getByRole("button", { name: "check" }).click();
  await questions.nth(1).locator(".verdict.right").waitFor();
  const order = questions.nth(0).locator("[type=text]");
  await order.fill("c b a");
  const options = () => questions.nth(0).locator("li").allTextContents();
  const inWords = (letters, options) => letters.split(" ").map((letter) => options["abc".indexOf(letter)].slice(3));
  const chosen = inWords("c b a", await options());
  const score = await panel.locator(".score").textContent();
  await page.getByRole("button", { name: "中文" }).click();
  await page.waitForFunction(() => /\p{Script=Han}/u.test(document.querySelector("form.question")?.textContent ?? ""));
  assert.equal(await field.inputValue(), "1");
  await questions.nth(1).locator(".verdict.right").waitFor();
  await page.getByRole("button", { name: "English" }).click();
  await page.waitForFunction((score) => document.querySelector(".score")?.textContent === score, score);
  assert.deepEqual([await field.inputValue(), await order.inputValue()], ["1", "c b a"]);
  // Another seed is another run: the marks go, and the options have other letters.
  await tab(page, "Network");
  await page.getByLabel("seed").fill("8");
  await page.getByLabel("seed").press("Enter");
  await panel.getByText("The run has changed.").waitFor({ state: "attached" });
  // The open tab stays.
  assert.equal(await page.getByRole("tab", { name: "Network" }).getAttribute("aria-selected"), "true");
  await tab(page, "Exercise");
  assert.equal(await field.inputValue(), "1");
  assert.match(await panel.locator(".score").textContent(), /points: 0 /);
  assert.deepEqual(inWords(await order.inputValue(), await options()), chosen);
  await tab(page, "Network");
  await page.getByRole("slider", { name: /^latency/ }).fill("3");
  await panel.getByText("other settings than the file").waitFor({ state: "attached" });
  assert.equal(await field.inputValue(), "1");
  // Another exercise has other questions.
  await page.getByLabel("experiment", { exact: true }).selectOption("exercise 03-lost-syn");
  await page.locator(".subtitle", { hasText: /SYN/ }).waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll("form.question [type=text]")].every((one) => one.value === ""));
});

withBothEngines("a draft of a text stays when a setting changes", "scenario=handshake", async (page) => {
  await tab(page, "File");
  const panel = page.locator(".editor");
  const area = panel.getByRole("textbox");
  const draft = `${await area.inputValue()}# a remark\n`;
  await area.fill(draft);
  await tab(page, "Network");
  await page.getByRole("slider", { name: /^latency/ }).fill("3");
  await panel.getByText("your draft").waitFor({ state: "attached" });
  await tab(page, "File");
  assert.equal(await area.inputValue(), draft);
  await page.getByLabel("experiment", { exact: true }).selectOption("scenario time-wait");
  await panel.getByText("your draft").waitFor({ state: "hidden" });
  assert.doesNotMatch(await area.inputValue(), /a remark/);
});

/** Returns what the program says about a file of answers. */
function marked(exercise, answers) {
  const folder = mkdtempSync(join(tmpdir(), "smolstep-answers-"));
  try {
    const [question, file] = ["exercise.lab", "answers.txt"].map((name) => join(folder, name));
    writeFileSync(question, exercise);
    writeFileSync(file, answers);
    return execFileSync(process.env.SMOLSTEP, ["lab", "mark", question, file]).toString();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
