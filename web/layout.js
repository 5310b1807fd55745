// The heights of the ladder's events. Heights grow with the virtual time, and idle gaps are folded. The heights of all
// entries are known, so that only the visible part has to be drawn.
import { sideOf } from "./trace.js";
import { lastWhere } from "./track.js";
/** The height of a line of text, in pixels. */
export const LINE = 17;
/** The height of an arrow that takes the usual flight time, in pixels. */
const FLIGHT = 54;
/** A gap that would be higher than `LONGEST` pixels is folded: its height becomes `FOLD`. */
const LONGEST = 3 * FLIGHT;
const FOLD = 66;
/** The space above the first event. */
const TOP = 20;
export function isShown(entry, shown) {
    if (entry.event === "clock")
        return shown.clock;
    if (newState(entry) === undefined && entry.label === undefined)
        return false;
    return shown.background || !entry.background;
}
/** Returns the state that a host enters with this event. */
export function newState(entry) {
    if (entry.event === "connecting")
        return sideOf(entry.host) === 0 ? entry.client : entry.server;
    return entry.event === "state" ? entry.to : undefined;
}
export class Layout {
    trace;
    shown;
    flight;
    moments = [];
    /** The y coordinate of each entry, by the entry's index in the trace. */
    heights = [];
    /** The next free line of each column, inside and outside the hosts' lines. */
    inside = new Map();
    outside = new Map();
    /** The next free line of each lane for a frame's label. Each label has its own line, because labels of both hosts meet. */
    labels = new Map();
    /** `flight` is the usual time from sending to arrival, in microseconds. */
    constructor(trace, shown, flight) {
        this.trace = trace;
        this.shown = shown;
        this.flight = flight;
        this.extend();
    }
    /** Returns the height of the whole ladder, in pixels. */
    get height() {
        return (this.moments.at(-1)?.bottom ?? TOP) + 2 * LINE;
    }
    /** Adds the entries that have arrived since the last call. */
    extend() {
        const { entries } = this.trace;
        for (let index = this.heights.length; index < entries.length; index++) {
            const entry = entries[index];
            if (entry)
                this.heights.push(isShown(entry, this.shown) ? this.place(entry, index) : this.bottomAt(entry.t_us));
        }
    }
    /** Returns the index of the moment at a y coordinate, or the index of the first moment. */
    momentAt(height) {
        return Math.max(0, lastWhere(this.moments.length, (place) => (this.moments[place]?.top ?? Infinity) <= height));
    }
    /** Returns the height in pixels of a flight of this length, if no gap is folded and no events crowd it. */
    span(microseconds) {
        return Math.min(LONGEST, (microseconds / this.flight) * FLIGHT);
    }
    place(entry, index) {
        const moment = this.moment(entry.t_us, index);
        const isNote = entry.event !== "sent" && entry.event !== "arrived";
        const column = 2 * entry.lane + sideOf(entry.host);
        const free = this.inside.get(column) ?? 0;
        const inside = entry.event === "sent" ? Math.max(free, this.labels.get(entry.lane) ?? 0) : free;
        if (entry.event === "sent")
            this.labels.set(entry.lane, inside + 1);
        const line = isNote ? Math.max(this.outside.get(column) ?? 0, inside - 1) : inside;
        (isNote ? this.outside : this.inside).set(column, line + 1);
        const height = moment.top + line * LINE;
        moment.bottom = Math.max(moment.bottom, height);
        return height;
    }
    moment(t_us, first) {
        const last = this.moments.at(-1);
        if (last?.t_us === t_us)
            return last;
        const gap = last ? this.gap(t_us - last.t_us) : { height: 0, isFolded: false };
        const top = last ? Math.max(last.bottom + (gap.isFolded ? gap.height : LINE), last.top + gap.height) : TOP;
        const folded = last && gap.isFolded ? t_us - last.t_us : undefined;
        const moment = { t_us, first, top, bottom: top, folded };
        this.moments.push(moment);
        this.inside.clear();
        this.outside.clear();
        this.labels.clear();
        return moment;
    }
    gap(length) {
        const height = (length / this.flight) * FLIGHT;
        return height > LONGEST ? { height: FOLD, isFolded: true } : { height, isFolded: false };
    }
    /** Returns the y coordinate for an entry that is not shown. */
    bottomAt(t_us) {
        const last = this.moments.at(-1);
        if (!last)
            return TOP;
        return last.t_us === t_us ? last.bottom : last.bottom + LINE / 2;
    }
}
/** Returns the usual flight time of the frames so far, in microseconds. */
export function usualFlight(trace) {
    const flights = [];
    for (const frame of trace.frames.slice(0, 500)) {
        const [sent, arrived] = [trace.entries[frame.sent], trace.entries[frame.arrivals[0] ?? -1]];
        if (sent && arrived)
            flights.push(arrived.t_us - sent.t_us);
    }
    flights.sort((a, b) => a - b);
    return Math.max(1, flights[flights.length >> 1] ?? 1000);
}
