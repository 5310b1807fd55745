// The states of the two sides of a connection and the values that they store, at each entry of the trace.

import type { Entry, Holds, Side } from "./types.js";

/** The two sides of a connection after an entry. */
export interface Ends {
  states: [string, string];
  holds: [Holds, Holds];
}

/** A change of the TCP state on one side. */
export interface Change {
  index: number;
  step: number;
  side: Side;
  from: string;
  to: string;
}

/** The texts in place of states for UDP. */
const NO_STATES: [string, string] = ["–", "–"];

/** One connection. Entries are added in order. */
export class Track {
  readonly changes: Change[] = [];
  /** The port that the labels contain, if there are several connections. */
  port: string | undefined;
  private readonly states: { index: number; value: [string, string] }[] = [];
  private readonly holds: [Kept[], Kept[]] = [[], []];

  add(entry: Entry, index: number): void {
    this.port ??= /^(?:#\d+ )?:(\d+) /.exec(entry.label ?? "")?.[1];
    if (entry.client_holds) this.holds[0].push({ index, value: entry.client_holds });
    if (entry.server_holds) this.holds[1].push({ index, value: entry.server_holds });
    if (entry.client === undefined || entry.server === undefined) return;
    const last = this.states.at(-1)?.value ?? ["CLOSED", "CLOSED"];
    const next: [string, string] = [entry.client, entry.server];
    if (last[0] === next[0] && last[1] === next[1]) return;
    this.states.push({ index, value: next });
    for (const side of [0, 1] as const) {
      const [from, to] = [last[side], next[side]];
      if (from !== to) this.changes.push({ index, step: entry.step, side, from, to });
    }
  }

  /** Returns both sides after the entry with this index. */
  at(index: number): Ends {
    const states = this.states[upTo(this.states, index)]?.value ?? NO_STATES;
    const held = (side: Side) => this.holds[side][upTo(this.holds[side], index)]?.value ?? {};
    return { states, holds: [held(0), held(1)] };
  }

  /** Returns the index of the entry since which an end has had the current value. */
  since(index: number, side: Side, key: keyof Holds): number {
    const kept = this.holds[side];
    let place = upTo(kept, index);
    const value = kept[place]?.value[key];
    while (place > 0 && kept[place - 1]?.value[key] === value) place--;
    return kept[place]?.index ?? index;
  }
}

interface Kept {
  index: number;
  value: Holds;
}

/** Returns the position in `items` of the last item whose `index` is at most `index`, or -1. */
export function upTo(items: readonly { index: number }[], index: number): number {
  return lastWhere(items.length, (place) => (items[place]?.index ?? Infinity) <= index);
}

/** Returns the last place below `count` for which `holds` is true, or -1. After the first false, `holds` must stay false. */
export function lastWhere(count: number, holds: (place: number) => boolean): number {
  let [low, high] = [-1, count - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
