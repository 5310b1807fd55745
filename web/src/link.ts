// Stores an experiment in the fragment of the page's address, so that a link contains the whole experiment.

import { LabError } from "./engine.js";
import { text } from "./text.js";
import type { Source } from "./types.js";

/** The longest fragment, in characters. */
export const LONGEST = 8192;
/** The longest text of an experiment, in bytes: the limit of the lab. */
const MOST = 1 << 20;

/** Returns the fragment for the text of an experiment, or undefined if it is too long. */
export async function toFragment(lab: string): Promise<string | undefined> {
  const packed = await through(new TextEncoder().encode(lab), new CompressionStream("deflate-raw"), MOST);
  const fragment = `lab=${toBase64Url(packed)}`;
  return fragment.length > LONGEST ? undefined : fragment;
}

/** Returns the text of the experiment in a fragment, or undefined if the fragment has none. Throws a LabError. */
export async function fromFragment(fragment: string): Promise<string | undefined> {
  const found = /^#?lab=(.*)$/s.exec(fragment);
  if (!found) return undefined;
  const packed = found[1] ?? "";
  const wrong = packed.search(/[^\w-]/);
  const fail = (why: string, column: number) => new LabError(`${text("linkWrong")}: ${why}`, 1, column);
  if (fragment.length > LONGEST + 1) throw fail(text("linkTooLong"), LONGEST + 1);
  if (wrong >= 0) throw fail(text("linkCharacter"), wrong + "lab=".length + 1);
  try {
    const bytes = await through(fromBase64Url(packed), new DecompressionStream("deflate-raw"), MOST);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw fail(text("linkDamaged"), packed.length + "lab=".length);
  }
}

/**
 * Returns the scenario, exercise or program that a fragment names, or undefined if the fragment is empty. Throws a LabError
 * whose column is counted without the number sign.
 */
export function namedIn(fragment: string): Source | undefined {
  const words = fragment.replace(/^#/, "");
  if (words === "") return undefined;
  const [, kind, name = ""] = /^(scenario|exercise|program)=(.*)$/s.exec(words) ?? [];
  if (kind === undefined) throw new LabError(`'${words.slice(0, 40)}' ${text("linkUnknown")}`, 1, 1);
  const wrong = name.search(/[^\w-]/);
  const column = kind.length + 2 + Math.max(0, wrong);
  if (wrong >= 0) throw new LabError(`'${name.slice(wrong, wrong + 1)}' ${text("nameCharacter")}`, 1, column);
  return { [kind]: name } as Source;
}

/** Sends bytes through a stream, and gives up above `most` bytes, because a short text can unpack to a very long one. */
async function through(bytes: Uint8Array<ArrayBuffer>, stream: GenericTransformStream, most: number) {
  const reader = new Blob([bytes]).stream().pipeThrough<Uint8Array<ArrayBuffer>>(stream).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let len = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    len += value.length;
    if (len > most) {
      await reader.cancel();
      throw new LabError(text("textTooLong"), 1, 1);
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64Url(packed: string): Uint8Array<ArrayBuffer> {
  const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
