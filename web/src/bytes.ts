// The byte strips: what each side has sent and received, by the state of the bytes.

import type { App, Panel } from "./app.js";
import { element } from "./dom.js";
import { text, type Key } from "./text.js";
import type { Holds, Side } from "./types.js";

/** Consecutive bytes in the same state. */
interface Part {
  kind: Key;
  len: number;
  note?: string;
}

/** Acknowledged and read bytes take at most this share of a strip, so that the other bytes stay visible. */
const DONE = 0.25;

export function bytesPanel(app: App): Panel {
  const root = element("section", { class: "strips", "aria-label": text("bytes") });

  let drawn = "";

  function update(): void {
    const { holds } = app.trace.endsAt(app.lane, app.step);
    const key = JSON.stringify(holds);
    if (key === drawn) return;
    drawn = key;
    root.replaceChildren(
      element("h3", {}, text("bytes")),
      ...([0, 1] as const).flatMap((side) => [
        strip(side, text("sends"), sending(holds[side])),
        strip(side, text("receives"), receiving(holds[side])),
      ]),
    );
  }

  return { root, update };
}

/** Returns the parts of the send buffer, in the order of their sequence numbers. */
export function sending(holds: Holds): Part[] {
  const { una = 0, nxt = 0, unsent = 0 } = holds;
  const inFlight = Math.max(0, nxt - una);
  const room = Math.max(0, Math.min(holds.snd_wnd ?? 0, holds.cwnd ?? Infinity) - inFlight);
  const sendable = holds.held_by ? 0 : Math.min(unsent, room);
  const held = unsent - sendable;
  const parts: Part[] = [
    { kind: "acknowledged", len: una },
    { kind: "inFlight", len: inFlight },
    { kind: "sendable", len: sendable },
  ];
  // If the engine names no reason, some bytes can be sent now, and the smaller of the two windows holds the others.
  const held_by = holds.held_by ?? ((holds.cwnd ?? Infinity) < (holds.snd_wnd ?? 0) ? "cwnd" : "window");
  parts.push({ kind: "held", len: held, note: text(`held-${held_by}` as Key) });
  return parts;
}

/** Returns the parts of the receive buffer, in the order of their sequence numbers. */
export function receiving(holds: Holds): Part[] {
  const { rcv_nxt = 0, rcv_wnd = 0, unread = 0 } = holds;
  const parts: Part[] = [
    { kind: "read", len: Math.max(0, rcv_nxt - unread) },
    { kind: "unread", len: unread },
  ];
  let next = rcv_nxt;
  for (const [from, to] of holds.out_of_order ?? []) {
    if (from > next) parts.push({ kind: "missing", len: from - next });
    parts.push({ kind: "outOfOrder", len: to - from });
    next = to;
  }
  parts.push({ kind: "window", len: Math.max(0, rcv_nxt + rcv_wnd - next) });
  return parts;
}

function strip(side: Side, verb: string, parts: Part[]): HTMLElement {
  const shown = parts.filter((part) => part.len > 0);
  const [first] = parts;
  const rest = shown.reduce((sum, part) => sum + (part === first ? 0 : part.len), 0);
  const bar = element("div", { class: "strip", "aria-hidden": "true" });
  for (const part of shown) {
    const len = part === first && rest > 0 ? Math.min(part.len, (rest * DONE) / (1 - DONE)) : part.len;
    const piece = element("span", { class: `part ${part.kind}` });
    piece.style.flexGrow = String(len);
    bar.append(piece);
  }
  const words = shown.map((part) => {
    const note = part.note ? ` (${part.note})` : "";
    return element(
      "span",
      { class: "key" },
      element("i", { class: `part ${part.kind}`, "aria-hidden": "true" }),
      `${text(part.kind)} ${part.len.toLocaleString("en")}${note}`,
    );
  });
  const host = text(side === 0 ? "client" : "server");
  const name = element("span", { class: `side-${side}` }, `${host} ${verb}: `);
  const none = shown.length === 0 ? [text("nothing")] : words;
  return element("div", { class: "strip-row" }, element("p", {}, name, ...none), bar);
}
