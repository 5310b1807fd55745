// The state diagram of RFC 9293 (figure 5): the states of both sides and the states that each side has been in.

import type { App, Change as Kind, Panel } from "./app.js";
import { element, shape } from "./dom.js";
import { text } from "./text.js";
import type { Change } from "./track.js";
import type { Side } from "./types.js";

/** The centre of each state's box. CLOSED is drawn twice, at the beginning and at the end. */
const BOXES: [string, number, number][] = [
  ["CLOSED", 230, 20],
  ["LISTEN", 230, 80],
  ["SYN-RECEIVED", 80, 135],
  ["SYN-SENT", 380, 135],
  ["ESTABLISHED", 230, 190],
  ["FIN-WAIT-1", 80, 245],
  ["CLOSE-WAIT", 380, 245],
  ["FIN-WAIT-2", 80, 310],
  ["CLOSING", 230, 310],
  ["LAST-ACK", 380, 310],
  ["TIME-WAIT", 230, 375],
  ["CLOSED", 380, 375],
];

/** The lines of the transitions. */
const EDGES: [string, string, string][] = [
  ["CLOSED", "LISTEN", "M222 34V66"],
  ["CLOSED", "SYN-SENT", "M288 18C350 22 392 60 392 121"],
  ["LISTEN", "CLOSED", "M238 66V34"],
  ["LISTEN", "SYN-RECEIVED", "M172 84C130 92 105 105 95 121"],
  ["LISTEN", "SYN-SENT", "M288 84C330 92 355 105 365 121"],
  ["SYN-SENT", "CLOSED", "M378 121C375 70 340 34 288 26"],
  ["SYN-SENT", "SYN-RECEIVED", "M322 135H138"],
  ["SYN-SENT", "ESTABLISHED", "M365 149C355 172 330 186 288 188"],
  ["SYN-RECEIVED", "LISTEN", "M68 121C72 90 110 72 172 74"],
  ["SYN-RECEIVED", "ESTABLISHED", "M95 149C105 172 130 186 172 188"],
  ["SYN-RECEIVED", "FIN-WAIT-1", "M65 149V231"],
  ["ESTABLISHED", "FIN-WAIT-1", "M172 193C130 196 105 210 95 231"],
  ["ESTABLISHED", "CLOSE-WAIT", "M288 193C330 196 355 210 365 231"],
  ["FIN-WAIT-1", "FIN-WAIT-2", "M70 259V296"],
  ["FIN-WAIT-1", "CLOSING", "M138 250C185 256 212 272 220 296"],
  ["FIN-WAIT-1", "TIME-WAIT", "M100 259C120 310 150 350 190 361"],
  ["FIN-WAIT-2", "TIME-WAIT", "M80 324C85 355 120 374 172 375"],
  ["CLOSE-WAIT", "LAST-ACK", "M380 259V296"],
  ["CLOSING", "TIME-WAIT", "M230 324V361"],
  ["LAST-ACK", "CLOSED", "M380 324V361"],
  ["TIME-WAIT", "CLOSED", "M288 375H322"],
];

export function statesPanel(app: App): Panel {
  const picture = shape("svg", { viewBox: "0 0 460 396", class: "states", role: "img" });
  const ways = element("div", { class: "ways" });
  const root = element("section", { "aria-label": text("states") }, picture, ways);

  let drawn: Change[] | undefined;
  let drawnLane = 0;

  function update(kind: Kind): void {
    const { trace, lane, step } = app;
    const { states } = trace.endsAt(lane, step);
    const now = trace.lastOf(step);
    const all = trace.track(lane).changes;
    const changes = all.slice(0, all.findLastIndex((change) => change.index <= now) + 1);
    // Most steps change no state, so the diagram is not drawn again.
    if (kind === "step" && drawnLane === lane && drawn?.length === changes.length && drawn.at(-1) === changes.at(-1)) return;
    drawn = changes;
    drawnLane = lane;
    const last = [0, 1].map((side) => changes.findLast((change) => change.side === side));
    picture.replaceChildren(
      shape("title", {}, `${text("client")}: ${states[0]}, ${text("server")}: ${states[1]}`),
      ...EDGES.flatMap(([from, to, path]) => edge(changes, last, from, to, path)),
      ...BOXES.flatMap(([name, x, y], place) => box(name, x, y, place, states, changes)),
    );
    if (all.length === 0) {
      ways.replaceChildren(element("p", {}, text("noStates")));
      return;
    }
    ways.replaceChildren(...([0, 1] as const).map((side) => way(app, side, changes)));
  }

  return { root, update };
}

function edge(changes: Change[], last: (Change | undefined)[], from: string, to: string, path: string): SVGElement[] {
  const taken = changes.filter((change) => change.from === from && change.to === to);
  const lines = [line(path, "edge")];
  for (const side of [0, 1] as const) {
    if (!taken.some((change) => change.side === side)) continue;
    const isLast = last[side]?.from === from && last[side]?.to === to;
    lines.push(line(path, `edge taken side-${side}${isLast ? " last" : ""}`, side * 4));
  }
  return lines;
}

/** Draws a line with a tip at its end. If both hosts took a transition, their lines run side by side. */
function line(path: string, names: string, shift = 0): SVGElement {
  const end = endOf(path);
  return shape(
    "g",
    { class: names, transform: `translate(${shift} ${shift})` },
    shape("path", { d: path, class: "line" }),
    shape("path", { d: "M0 0L-7 -3.5V3.5z", class: "tip", transform: `translate(${end.x} ${end.y}) rotate(${end.angle})` }),
  );
}

/** Returns the last point of a path, and the direction of the path there, in degrees. */
function endOf(path: string): { x: number; y: number; angle: number } {
  let [x, y] = [0, 0];
  let [fromX, fromY] = [0, 0];
  for (const [, verb, rest] of path.matchAll(/([MHVC])([^MHVC]*)/g)) {
    const numbers = (rest ?? "").trim().split(/\s+/).map(Number);
    [fromX, fromY] = [x, y];
    if (verb === "H") x = numbers[0] ?? x;
    else if (verb === "V") y = numbers[0] ?? y;
    else {
      if (verb === "C") [fromX, fromY] = [numbers[2] ?? x, numbers[3] ?? y];
      [x, y] = [numbers.at(-2) ?? x, numbers.at(-1) ?? y];
    }
  }
  return { x, y, angle: (Math.atan2(y - fromY, x - fromX) * 180) / Math.PI };
}

function box(name: string, x: number, y: number, place: number, states: string[], changes: Change[]): SVGElement[] {
  // The upper CLOSED is the state before the connection, the lower one the state after it.
  const isLower = place === BOXES.length - 1;
  const isHere = (side: Side) => {
    if (states[side] !== name) return false;
    if (name !== "CLOSED") return true;
    return isLower === changes.some((change) => change.side === side && change.from !== "CLOSED");
  };
  const here = ([0, 1] as const).filter(isHere);
  const wasHere = changes.some((change) => (change.to === name && (place > 0 || name !== "CLOSED")) || (change.from === name && !isLower));
  const parts: SVGElement[] = [
    shape("rect", { x: x - 58, y: y - 14, width: 116, height: 28, rx: 5, class: `box${wasHere ? " visited" : ""}` }),
  ];
  here.forEach((side) => {
    const inset = here.length === 2 && side === 1 ? 3 : 0;
    parts.push(
      shape("rect", {
        x: x - 58 - 3 + inset,
        y: y - 14 - 3 + inset,
        width: 122 - 2 * inset,
        height: 34 - 2 * inset,
        rx: 6,
        class: `here side-${side}`,
      }),
    );
  });
  parts.push(shape("text", { x, y: y + (here.length > 0 ? 0 : 4), "text-anchor": "middle", class: here.length > 0 ? "lit" : "" }, name));
  if (here.length > 0) {
    const hosts = shape("text", { x, y: y + 11, "text-anchor": "middle", class: "who" });
    here.forEach((side, place) => {
      const name = text(side === 0 ? "client" : "server");
      hosts.append(shape("tspan", { class: `side-${side}` }, place > 0 ? ` + ${name}` : name));
    });
    parts.push(hosts);
  }
  return parts;
}

/** Lists the states of an end so far. A click on a state goes to the step in which the end entered it. */
function way(app: App, side: Side, changes: Change[]): HTMLElement {
  const own = changes.filter((change) => change.side === side).slice(-12);
  const name = element("strong", { class: `side-${side}` }, text(side === 0 ? "client" : "server"), ": ");
  const steps = own.flatMap((change) => [
    " → ",
    element("button", { type: "button", class: "link", click: () => void app.go(change.step) }, `${change.to} (${change.step})`),
  ]);
  return element("p", {}, name, own[0]?.from ?? "CLOSED", ...steps);
}
