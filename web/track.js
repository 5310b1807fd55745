// The states of the two sides of a connection and the values that they store, at each entry of the trace.
/** The texts in place of states for UDP. */
const NO_STATES = ["–", "–"];
/** One connection. Entries are added in order. */
export class Track {
    changes = [];
    /** The port that the labels contain, if there are several connections. */
    port;
    states = [];
    holds = [[], []];
    add(entry, index) {
        this.port ??= /^(?:#\d+ )?:(\d+) /.exec(entry.label ?? "")?.[1];
        if (entry.client_holds)
            this.holds[0].push({ index, value: entry.client_holds });
        if (entry.server_holds)
            this.holds[1].push({ index, value: entry.server_holds });
        if (entry.client === undefined || entry.server === undefined)
            return;
        const last = this.states.at(-1)?.value ?? ["CLOSED", "CLOSED"];
        const next = [entry.client, entry.server];
        if (last[0] === next[0] && last[1] === next[1])
            return;
        this.states.push({ index, value: next });
        for (const side of [0, 1]) {
            const [from, to] = [last[side], next[side]];
            if (from !== to)
                this.changes.push({ index, step: entry.step, side, from, to });
        }
    }
    /** Returns both sides after the entry with this index. */
    at(index) {
        const states = this.states[upTo(this.states, index)]?.value ?? NO_STATES;
        const held = (side) => this.holds[side][upTo(this.holds[side], index)]?.value ?? {};
        return { states, holds: [held(0), held(1)] };
    }
    /** Returns the index of the entry since which an end has had the current value. */
    since(index, side, key) {
        const kept = this.holds[side];
        let place = upTo(kept, index);
        const value = kept[place]?.value[key];
        while (place > 0 && kept[place - 1]?.value[key] === value)
            place--;
        return kept[place]?.index ?? index;
    }
}
/** Returns the position in `items` of the last item whose `index` is at most `index`, or -1. */
export function upTo(items, index) {
    return lastWhere(items.length, (place) => (items[place]?.index ?? Infinity) <= index);
}
/** Returns the last place below `count` for which `holds` is true, or -1. After the first false, `holds` must stay false. */
export function lastWhere(count, holds) {
    let [low, high] = [-1, count - 1];
    while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (holds(middle))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
