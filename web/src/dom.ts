// Builds elements. Text becomes text nodes, so it is never parsed as HTML.

type Value = string | number | boolean | undefined | ((event: never) => void);
export type Attributes = Record<string, Value>;
type Child = Node | string | undefined;

const SVG = "http://www.w3.org/2000/svg";

/** Creates an HTML element. An attribute whose value is a function becomes a listener for the event of that name. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** Creates an SVG element. */
export function shape<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Returns the element of the page with this id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}

/** Replaces the children only if the text is new, so that a screen reader reads each text only once. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Returns a function that says whether the reader is in the middle of a change: between the first `input` and the `change`. */
export function editing(input: HTMLInputElement): () => boolean {
  let isEdited = false;
  input.addEventListener("input", () => (isEdited = true));
  // There is no `change` if the reader moves a slider back to the value at the start.
  const ends = input.type === "range" ? ["change", "pointerup", "pointercancel", "blur"] : ["change", "blur"];
  for (const end of ends) input.addEventListener(end, () => (isEdited = false));
  return () => isEdited;
}

/** Sets attributes that differ from the present ones. The browser would lay out a picture again for the same value. */
export function setAttributes(node: Element, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
  }
}

/** Calls a function after the browser has drawn the page. */
export function afterDrawing(act: () => void): void {
  requestAnimationFrame(() => setTimeout(act));
}

/** Offers bytes or a text as a file to save. */
export function download(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function fill<E extends Element>(node: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value as EventListener);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}
