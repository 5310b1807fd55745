// The entries of a run, and what is computed from them: frames, connections, and the frames in flight.
import { text } from "./text.js";
import { lastWhere, Track } from "./track.js";
/** The fates of a frame that never arrives. */
const LOST = new Set(["dropped", "lost", "queue-full", "too-long"]);
export function isLost(entry) {
    return LOST.has(entry.fate ?? "");
}
/** The number of entries in the first request: few, so that the page is ready soon. */
const FIRST = 500;
/** The number of entries in each later request. */
const CHUNK = 5000;
export class Trace {
    run;
    entries = [];
    frames = [];
    places = new Map();
    tracks = [];
    open = new Set();
    server;
    constructor(run) {
        this.run = run;
    }
    get isWhole() {
        return this.entries.length >= this.run.entries;
    }
    /** Fetches the next entries. Returns whether there were more. */
    async fetchMore(engine) {
        if (this.isWhole)
            return false;
        const from = this.entries.length;
        const count = from === 0 ? FIRST : CHUNK;
        const { entries } = await engine.command({ do: "trace", run: this.run.name, from, count });
        for (const entry of entries)
            this.add(entry);
        return entries.length > 0;
    }
    /** Adds the next entry. */
    add(entry) {
        const index = this.entries.push(entry) - 1;
        this.track(entry.lane ?? 0).add(entry, index);
        if (entry.event === "sent")
            this.leaves(entry, index);
        if (entry.event === "arrived")
            this.arrives(entry, index);
    }
    /** Returns the connection of a lane. */
    track(lane) {
        return (this.tracks[lane] ??= new Track());
    }
    /** Returns the index of the last entry up to a step, or -1. */
    lastOf(step) {
        return lastWhere(this.entries.length, (place) => (this.entries[place]?.step ?? Infinity) <= step);
    }
    /** Returns the entries of a step, and the index of the first of them. */
    ofStep(step) {
        const [first, last] = [this.lastOf(step - 1) + 1, this.lastOf(step)];
        return { first, entries: this.entries.slice(first, last + 1) };
    }
    /** Returns the virtual time after a step, in microseconds. */
    timeOf(step) {
        return this.entries[this.lastOf(step)]?.t_us ?? 0;
    }
    /** Returns the last step up to a time, in microseconds. */
    stepAt(time) {
        const place = lastWhere(this.entries.length, (place) => (this.entries[place]?.t_us ?? Infinity) <= time);
        return this.entries[place]?.step ?? 0;
    }
    /** Returns both sides of a connection after a step. */
    endsAt(lane, step) {
        return this.track(lane).at(this.lastOf(step));
    }
    frame(number) {
        return number === undefined ? undefined : this.frames[this.places.get(number) ?? -1];
    }
    /** Returns the frames in flight after the entry with this index, in the order of sending. */
    inFlight(index) {
        const last = lastWhere(this.frames.length, (place) => (this.frames[place]?.sent ?? Infinity) <= index);
        const first = this.frames[last]?.firstOpen ?? 0;
        return this.frames.slice(first, last + 1).filter((frame) => {
            const entry = this.entries[frame.sent];
            const arrival = frame.arrivals.at(-1);
            const isUnderWay = this.mayArrive(frame) || (arrival !== undefined && arrival > index);
            return entry !== undefined && !isLost(entry) && isUnderWay;
        });
    }
    /** Returns whether the frame can still arrive. A frame to a forged address never arrives. */
    mayArrive(frame) {
        return frame.missing > 0 && !this.isWhole;
    }
    leaves(entry, index) {
        if (entry.frame === undefined)
            return;
        const missing = isLost(entry) ? 0 : entry.fate === "duplicated" ? 2 : 1;
        const place = this.frames.length;
        const isForged = entry.host === "wire";
        const side = isForged ? this.claimed(entry) : sideOf(entry.host);
        if (side === 1 && entry.src && !isForged)
            this.server ??= host(entry.src);
        if (missing > 0)
            this.open.add(place);
        const firstOpen = this.open.values().next().value ?? place;
        this.places.set(entry.frame, place);
        this.frames.push({ number: entry.frame, sent: index, arrivals: [], side, isForged, missing, firstOpen });
    }
    arrives(entry, index) {
        const place = this.places.get(entry.frame ?? -1) ?? -1;
        const frame = this.frames[place];
        if (!frame)
            return;
        frame.arrivals.push(index);
        // The host that receives a forged frame shows which side it claims to be from.
        if (frame.isForged)
            frame.side = sideOf(entry.host) === 0 ? 1 : 0;
        frame.missing = Math.max(0, frame.missing - 1);
        if (frame.missing === 0)
            this.open.delete(place);
    }
    claimed(entry) {
        return this.server !== undefined && host(entry.src ?? "") === this.server ? 1 : 0;
    }
}
/** Returns the label of an event in the ladder, or the event's name. */
export function labelOf(entry) {
    if (entry.label !== undefined)
        return entry.label;
    if (entry.event === "state")
        return `${entry.from} → ${entry.to}`;
    return entry.event === "connecting" ? text("connecting") : entry.event;
}
/** Returns the column of a host: every host but the server is a client. */
export function sideOf(host) {
    return host === "server" ? 1 : 0;
}
/** Returns an address without its port. */
function host(address) {
    return address.replace(/:\d+$/, "");
}
