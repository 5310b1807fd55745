// Pictures of the page for a person to look at, in the folder that SMOLSTEP_SCREENSHOTS names.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { address, arrow, engines, open, withPage } from "./lab.mjs";

const FOLDER = process.env.SMOLSTEP_SCREENSHOTS;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: PHONE,
  "phone-dark": { ...PHONE, colorScheme: "dark" },
  chinese: { locale: "zh-CN" },
};
const TABS = ["state", "numbers", "frame", "graphs", "network", "exercise", "file", "share"];

for (const [look, options] of Object.entries(LOOKS)) {
  test(`pictures: ${look}`, { skip: FOLDER ? false : "SMOLSTEP_SCREENSHOTS names no folder" }, async () => {
    mkdirSync(FOLDER, { recursive: true });
    const url = await address(engines[0]);
    await withPage(url, options, async (page) => {
      await open(page, `${url}#scenario=lost-synack`);
      await arrow(page, /\bSYN,ACK\b/).focus();
      await page.screenshot({ path: join(FOLDER, `${look}.png`) });
      for (const name of TABS) {
        await page.locator(`#tab-${name}`).click();
        await page.screenshot({ path: join(FOLDER, `${look}-${name}.png`), fullPage: true });
      }
      await arrow(page, /\bSYN,ACK\b/, 1).focus();
      await page.keyboard.press("d");
      await page.locator(".runs").waitFor();
      await page.locator(".runs select").selectOption("a");
      await page.screenshot({ path: join(FOLDER, `${look}-compare.png`) });
    });
  });
}
