// Measures the page itself, for `?measure`: how long a step takes to draw, and when the first paint was.

import type { App } from "./app.js";
import type { Ladder } from "./ladder.js";
import { element } from "./dom.js";

/** The number of steps that are measured. */
const COUNT = 100;

/** Writes the medians below the page, and stores them in `document.body.dataset.measured` as JSON. */
export async function measure(app: App, ladder: Ladder): Promise<void> {
  while (!app.trace.isWhole) await new Promise((resolve) => setTimeout(resolve, 50));
  const { steps } = app.run;
  const near: number[] = [];
  const far: number[] = [];
  // The first step is a jump from the beginning of the run.
  await timed(app, ladder, Math.floor(steps / 2));
  for (let count = 1; count <= COUNT; count++) near.push(await timed(app, ladder, Math.floor(steps / 2) + count));
  // These steps are spread over the whole run, so that everything visible is new.
  for (let count = 0; count < COUNT; count++) far.push(await timed(app, ladder, (count * 7919) % (steps + 1)));
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  const result = {
    entries: app.trace.entries.length,
    steps,
    step_ms: median(near),
    jump_ms: median(far),
    first_paint_ms: paint && Math.round(paint),
  };
  document.body.dataset["measured"] = JSON.stringify(result);
  document.body.append(element("output", { class: "measured" }, JSON.stringify(result)));
}

/** Returns the time that going to a step takes, including all panels, style and layout. */
async function timed(app: App, ladder: Ladder, step: number): Promise<number> {
  const start = performance.now();
  await app.go(step);
  ladder.drawNow();
  // Reading a size makes the browser compute style and layout.
  document.body.getBoundingClientRect();
  const length = performance.now() - start;
  await new Promise((resolve) => requestAnimationFrame(resolve));
  return length;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return Math.round((values[values.length >> 1] ?? 0) * 100) / 100;
}
