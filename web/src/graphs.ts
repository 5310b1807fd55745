// The graphs that the engine draws, with a cursor at the current time, and zoom by dragging.

import type { App, Change, Panel } from "./app.js";
import { element, setText } from "./dom.js";
import { span } from "./format.js";
import { text, type Key } from "./text.js";
import type { Plot, Run } from "./types.js";

/** A command that draws a picture. */
export interface Drawing {
  do: "svg";
  run: string;
  kind: string;
  step?: number;
}

export const KINDS = ["time-sequence", "cwnd", "rtt", "throughput"] as const;

/** A zoom shows at least this many microseconds. */
const SHORTEST = 10;

export class Graphs implements Panel {
  readonly root: HTMLElement;
  private readonly kind = element("select", {});
  private readonly image = element("img", { class: "graph", alt: "" });
  private readonly cursor = element("div", { class: "cursor", hidden: true });
  private readonly band = element("div", { class: "band", hidden: true });
  private readonly frame: HTMLElement;
  private readonly range = element("output", {});
  private plot: Plot | undefined;
  private zoom: { from_us: number; to_us: number } | undefined;
  private drawn: { run: Run; key: string } | undefined;

  constructor(private readonly app: App) {
    this.kind.append(...KINDS.map((kind) => new Option(text(`graph-${kind}` as Key), kind)));
    this.kind.addEventListener("change", () => void this.draw());
    this.kind.setAttribute("aria-label", text("graphs"));
    const button = (key: Key, by: number) =>
      element("button", { type: "button", click: () => this.scale(by) }, text(key));
    const inner = element("div", { class: "graph-inner" }, this.image, this.band, this.cursor);
    this.frame = element("div", { class: "graph-frame", tabindex: 0, role: "group", "aria-label": text("graphs") }, inner);
    inner.addEventListener("pointerdown", (event) => this.drag(event));
    const bar = element(
      "div",
      { class: "bar" },
      this.kind,
      button("zoomIn", 0.5),
      button("zoomOut", 2),
      element("button", { type: "button", click: () => this.show(undefined) }, text("wholeRun")),
      this.range,
    );
    this.root = element("section", { "aria-label": text("graphs") }, bar, this.frame, element("p", { class: "hint" }, text("graphHint")));
  }

  update(change: Change): void {
    if (change === "experiment") this.zoom = undefined;
    if (this.root.closest("[hidden]")) return;
    if (change !== "more") void this.draw();
  }

  /** Returns the command for the picture that is shown, for exports. */
  request(): Drawing {
    return { do: "svg", run: this.app.run.name, kind: this.kind.value, ...this.zoom };
  }

  private async draw(): Promise<void> {
    const request = this.request();
    const drawing = { run: this.app.run, key: JSON.stringify(request) };
    // The runs are compared as objects, because a later run can have the same name.
    if (this.drawn?.run !== drawing.run || this.drawn.key !== drawing.key) {
      this.drawn = drawing;
      const answer = await this.app.ask<{ svg: string; plot?: Plot }>(request);
      if (this.drawn !== drawing) return;
      if (!answer) {
        this.drawn = undefined;
        return;
      }
      this.plot = answer.plot;
      const before = this.image.src;
      this.image.src = URL.createObjectURL(new Blob([answer.svg], { type: "image/svg+xml" }));
      if (before) URL.revokeObjectURL(before);
      this.image.alt = `${this.kind.selectedOptions[0]?.text ?? ""}, ${text("run")} ${this.app.run.name}`;
    }
    this.drawCursor();
  }

  private drawCursor(): void {
    const { plot, cursor, app } = this;
    cursor.hidden = !plot;
    if (!plot) return;
    const now = app.trace.timeOf(app.step);
    const share = (now - plot.from_us) / Math.max(1, plot.to_us - plot.from_us);
    cursor.hidden = share < 0 || share > 1;
    const x = plot.left + share * (plot.right - plot.left);
    cursor.style.left = `${(100 * x) / plot.width}%`;
    cursor.style.top = `${(100 * plot.top) / plot.height}%`;
    cursor.style.height = `${(100 * (plot.bottom - plot.top)) / plot.height}%`;
    setText(this.range, `${span(plot.from_us)} – ${span(plot.to_us)}`);
  }

  /** Returns the time at an x coordinate of the window. */
  private timeAt(clientX: number): number {
    const { plot } = this;
    if (!plot) return 0;
    const box = this.image.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * plot.width;
    const share = Math.min(1, Math.max(0, (x - plot.left) / (plot.right - plot.left)));
    return Math.round(plot.from_us + share * (plot.to_us - plot.from_us));
  }

  /** Goes to the time under the pointer after a click, and zooms after a drag. */
  private drag(event: PointerEvent): void {
    const { band, image } = this;
    if (!this.plot || event.button !== 0) return;
    event.preventDefault();
    const from = event.clientX;
    const box = image.getBoundingClientRect();
    const move = (moving: PointerEvent) => {
      band.hidden = false;
      band.style.left = `${Math.min(from, moving.clientX) - box.left}px`;
      band.style.width = `${Math.abs(moving.clientX - from)}px`;
    };
    const up = (ending: PointerEvent) => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", up);
      document.removeEventListener("pointercancel", up);
      band.hidden = true;
      if (ending.type !== "pointerup") return;
      const [start, end] = [from, ending.clientX].sort((a, b) => a - b).map((x) => this.timeAt(x)) as [number, number];
      if (Math.abs(ending.clientX - from) < 5) void this.app.go(this.app.trace.stepAt(start));
      else this.show({ from_us: start, to_us: Math.max(end, start + SHORTEST) });
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", up);
    document.addEventListener("pointercancel", up);
  }

  private scale(by: number): void {
    const { app } = this;
    // The axis ends at the outermost points of the requested part, so it can be shorter than the part. Zooming out from
    // the axis could therefore show the same points again.
    const part = by > 1 ? this.zoom : this.plot;
    if (!part) return;
    const length = Math.max(SHORTEST, (part.to_us - part.from_us) * by);
    const now = app.trace.timeOf(app.step);
    const middle = now >= part.from_us && now <= part.to_us ? now : (part.from_us + part.to_us) / 2;
    const from_us = Math.max(0, Math.round(middle - length / 2));
    const to_us = Math.min(app.run.time_us, Math.round(from_us + length));
    if (from_us === 0 && to_us === app.run.time_us) this.show(undefined);
    else this.show({ from_us, to_us: Math.max(to_us, from_us + SHORTEST) });
  }

  private show(zoom: { from_us: number; to_us: number } | undefined): void {
    this.zoom = zoom;
    void this.draw();
  }
}
