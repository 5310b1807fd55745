// Grabs a frame of the ladder, with the pointer or by keyboard, and offers what can be done to it.

import type { App } from "./app.js";
import { element } from "./dom.js";
import type { Ladder } from "./ladder.js";
import { text } from "./text.js";
import { isLost, type Trace } from "./trace.js";
import { FAULTS, type Fault } from "./types.js";

/** The keys of the faults while an arrow has the focus. */
const KEYS: Record<string, Fault> = { d: "drop", l: "delay", u: "duplicate", c: "corrupt" };
/** The distance in pixels that the pointer must move for a click to become a drag. */
const DRAG = 6;

export class Grab {
  private readonly menu: HTMLElement;
  private readonly delay = element("input", { type: "number", min: 1, max: 600_000, value: 300, size: 5 });
  private held: { frame: number; trace: Trace; from: SVGElement; x: number; y: number; moved: boolean; byKey: boolean } | undefined;

  constructor(
    private readonly app: App,
    private readonly ladder: Ladder,
    private readonly trace: () => Trace | undefined,
  ) {
    this.delay.setAttribute("aria-label", text("delayMs"));
    const buttons = FAULTS.map((fault) =>
      element("button", { type: "button", class: `zone ${fault}`, "data-fault": fault, click: () => this.apply(fault) }, text(fault)),
    );
    this.menu = element("div", { class: "grab", role: "group", "aria-label": text("grabbed"), hidden: true });
    this.menu.append(...buttons);
    buttons[FAULTS.indexOf("delay")]?.after(element("label", {}, this.delay, " ms"));
    this.menu.addEventListener("keydown", (event) => this.onMenuKey(event));
    ladder.root.append(this.menu);
    ladder.root.addEventListener("pointerdown", (event) => this.onDown(event));
    // A finger on an arrow drags its frame. Elsewhere in the ladder, and on the labels, it scrolls.
    const keep = (event: TouchEvent) => {
      if (event.target instanceof Element && event.target.closest(".hit, .line, [data-mark]")) event.preventDefault();
    };
    ladder.root.addEventListener("touchstart", keep, { passive: false });
    ladder.root.addEventListener("keydown", (event) => this.onKey(event));
    ladder.root.addEventListener("focusin", (event) => this.onFocus(event));
  }

  private onDown(event: PointerEvent): void {
    if (this.menu.contains(event.target as Node)) return;
    const from = frameOf(event.target);
    const trace = this.trace();
    if (!from || !trace || event.button !== 0) {
      this.close();
      return;
    }
    const frame = Number(from.getAttribute("data-frame"));
    this.held = { frame, trace, from, x: event.clientX, y: event.clientY, moved: false, byKey: false };
    if (trace === this.app.trace) this.app.select(frame);
    this.show(event.clientX, event.clientY);
    const move = (moving: PointerEvent) => this.onMove(moving);
    const up = (ending: PointerEvent) => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", up);
      document.removeEventListener("pointercancel", up);
      this.onUp(ending);
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", up);
    document.addEventListener("pointercancel", up);
  }

  private onMove(event: PointerEvent): void {
    const { held } = this;
    if (!held) return;
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    held.moved ||= Math.hypot(dx, dy) > DRAG;
    if (!held.moved) return;
    this.shift(held.from, `translate(${dx}px, ${dy}px)`);
    for (const zone of this.menu.querySelectorAll(".zone")) zone.classList.toggle("over", zone === zoneAt(event));
  }

  private onUp(event: PointerEvent): void {
    const { held } = this;
    if (!held) return;
    this.shift(held.from, "");
    const fault = held.moved && event.type === "pointerup" ? zoneAt(event)?.getAttribute("data-fault") : undefined;
    if (fault) this.apply(fault as Fault);
    // A click leaves the menu open.
    else if (held.moved) this.close();
  }

  /** Moves a frame and its mark. */
  private shift(from: SVGElement, transform: string): void {
    const mark = this.ladder.root.querySelector<SVGElement>(`[data-mark="${from.getAttribute("data-frame")}"]`);
    for (const part of [from, mark]) if (part) part.style.transform = transform;
  }

  private onKey(event: KeyboardEvent): void {
    const from = frameOf(event.target);
    const trace = this.trace();
    if (!from || !trace || event.ctrlKey || event.metaKey || event.altKey) return;
    const frame = Number(from.getAttribute("data-frame"));
    const fault = KEYS[event.key];
    const next = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (fault) {
      this.held = { frame, trace, from, x: 0, y: 0, moved: false, byKey: true };
      this.apply(fault);
    } else if (next !== undefined) {
      this.ladder.focusFrame(this.neighbour(trace, frame, next));
    } else if (event.key === "Enter" || event.key === " ") {
      const box = from.querySelector(".line")?.getBoundingClientRect() ?? from.getBoundingClientRect();
      this.held = { frame, trace, from, x: 0, y: 0, moved: false, byKey: true };
      if (trace === this.app.trace) this.app.select(frame);
      this.show(box.left + box.width / 2, box.bottom);
      this.menu.querySelector("button")?.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private onFocus(event: FocusEvent): void {
    const from = frameOf(event.target);
    if (from && this.trace() === this.app.trace) this.app.select(Number(from.getAttribute("data-frame")));
  }

  private onMenuKey(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key !== "Escape") return;
    const { held } = this;
    this.close();
    if (held) this.ladder.focusFrame(held.frame);
  }

  /** Returns the number of the next frame that the ladder shows, in the direction `by`. */
  private neighbour(trace: Trace, number: number, by: number): number {
    for (let next = number + by; trace.frame(next); next += by) {
      const sent = trace.entries[trace.frame(next)?.sent ?? -1];
      if (sent && (this.app.shown.background || !sent.background)) return next;
    }
    return number;
  }

  private show(x: number, y: number): void {
    const { held, menu } = this;
    const sent = held?.trace.entries[held.trace.frame(held.frame)?.sent ?? -1];
    menu.hidden = !sent || isLost(sent);
    const box = this.ladder.root.getBoundingClientRect();
    // The position of the menu limits its width, so the menu is measured at the left edge.
    menu.style.left = "0";
    const left = Math.min(x - box.left - 40, box.width - menu.offsetWidth - 8);
    menu.style.left = `${Math.max(4, left)}px`;
    // The menu is below the frame, or above the frame if there is no room below.
    const below = y - box.top + 18;
    menu.style.top = `${below + menu.offsetHeight > box.height ? below - menu.offsetHeight - 36 : below}px`;
  }

  private apply(fault: Fault): void {
    const { held } = this;
    this.close();
    if (!held) return;
    const delay = Math.min(600_000, Math.max(1, Math.trunc(Number(this.delay.value)) || 300));
    // The new run removes the menu and the old arrows, and with them the focus.
    const restore = held.byKey ? () => this.ladder.focusFrame(held.frame) : undefined;
    void this.app.fault(held.frame, fault, `${delay}ms`, held.trace).then(restore);
  }

  private close(): void {
    this.menu.hidden = true;
    this.held = undefined;
  }
}

/** Returns the frame whose arrow, label or mark was hit. */
function frameOf(target: EventTarget | null): SVGElement | undefined {
  if (!(target instanceof Element)) return undefined;
  const number = target.closest("[data-mark]")?.getAttribute("data-mark");
  if (number) return target.closest("svg")?.querySelector<SVGElement>(`[data-frame="${number}"]`) ?? undefined;
  return target.closest<SVGElement>("[data-frame]") ?? undefined;
}

function zoneAt(event: PointerEvent): Element | undefined {
  return document.elementFromPoint(event.clientX, event.clientY)?.closest(".zone") ?? undefined;
}
