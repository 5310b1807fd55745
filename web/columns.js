// The horizontal positions in the ladder, in pixels: times, steps, and for each lane the notes and lines of both hosts.
/** The maximum number of lanes that have their own columns. Later connections share the last lane. */
const LANES = 8;
export class Columns {
    space;
    of;
    isNarrow;
    lanes;
    /** The width of a character, and the size of the font. */
    char;
    font;
    /** The right edges of the columns of times and steps. */
    times;
    steps;
    width;
    notes;
    between;
    /** `space` is the available width in pixels, and `of` is the number of lanes of the run. */
    constructor(space, of) {
        this.space = space;
        this.of = of;
        this.isNarrow = space < 560;
        this.lanes = Math.max(1, Math.min(of, LANES));
        this.font = this.isNarrow ? 10 : 12;
        this.char = this.font * 0.605;
        this.times = 10 * this.char;
        this.steps = this.isNarrow ? this.times : this.times + 6 * this.char;
        const free = space - this.steps - 8;
        this.notes = (this.isNarrow ? 13 : this.lanes > 1 ? 14 : space < 760 ? 15 : 20) * this.char;
        const least = this.isNarrow ? 150 : 260;
        this.between = Math.max(least, free / this.lanes - 2 * this.notes);
        this.width = this.steps + 8 + this.lanes * (2 * this.notes + this.between);
    }
    /** Returns the x coordinate of a host's line. */
    line(lane, side) {
        const column = Math.min(lane, this.lanes - 1);
        const left = this.steps + 8 + column * (2 * this.notes + this.between) + this.notes;
        return left + side * this.between;
    }
    /** Shortens a text so that it fits the space for notes, or the space between the lines. */
    fit(text, where) {
        const space = where === "notes" ? this.notes - 8 : this.between - 24;
        return cut(text, Math.max(4, Math.floor(space / this.char)), where === "between");
    }
    /** Returns the width of a text in pixels. */
    widthOf(text) {
        let width = 0;
        for (const char of text)
            width += columnsOf(char);
        return width * this.char;
    }
}
/** Returns the width of a character: a Chinese character is as wide as two others. */
function columnsOf(char) {
    return char > "\u2e80" ? 2 : 1;
}
/** Shortens a text to `most` columns, with `isWhole` between two words. A Chinese character takes two columns. */
function cut(text, most, isWhole) {
    let width = 0;
    let end = 0;
    for (const char of text) {
        width += columnsOf(char);
        if (width > most) {
            const part = text.slice(0, Math.max(0, end - 1));
            const space = isWhole ? part.lastIndexOf(" ") : -1;
            return `${space > 0 ? part.slice(0, space + 1) : part}…`;
        }
        end += char.length;
    }
    return text;
}
