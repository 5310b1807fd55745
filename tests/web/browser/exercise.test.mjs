// The questions of an exercise are marked at once, and the answers can be handed in.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saved, tab, withBothEngines } from "./lab.mjs";

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
  const folder = mkdtempSync(join(tmpdir(), "smolstep-answers-"));
  try {
    const answers = join(folder, "answers.txt");
    writeFileSync(answers, bytes);
    const marked = execFileSync(process.env.SMOLSTEP, ["lab", "mark", process.env.EXERCISE, answers]).toString();
    assert.match(marked, new RegExp(`: ${score[1]} of ${score[2]} points`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
