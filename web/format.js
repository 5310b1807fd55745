// Numbers and times in the form that the page shows.
/** Returns a time of the run in seconds, with six decimal places. */
export function seconds(microseconds) {
    return (microseconds / 1e6).toFixed(6);
}
/** Returns a length of time with a suitable unit. */
export function span(microseconds) {
    if (microseconds < 1000)
        return `${round(microseconds)} µs`;
    if (microseconds < 1e6)
        return `${round(microseconds / 1000)} ms`;
    return `${round(microseconds / 1e6)} s`;
}
export function rate(bits) {
    if (bits >= 1e6)
        return `${round(bits / 1e6)} Mbit/s`;
    return bits >= 1000 ? `${round(bits / 1000)} kbit/s` : `${round(bits)} bit/s`;
}
/** Returns a number with at most three decimal places. */
export function round(value) {
    return String(Math.round(value * 1000) / 1000);
}
export function hex(value, digits) {
    return value.toString(16).padStart(digits, "0");
}
