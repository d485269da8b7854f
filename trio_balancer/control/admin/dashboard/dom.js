// Small steps over the DOM. Names may be hostile, so text only ever becomes text.

/** Make an element: `properties` are attributes, but for `text` and `on` (event listeners). */
export function make(tag, properties = {}, ...children) {
  const { text, on = {}, ...attributes } = properties;
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an element of a drawing. */
export function draw(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children);
  return node;
}

/** Set an attribute, or take it away with null; only where that changes something. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}

/** Set the text of a node; only where that changes something, so that a selection survives. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show a state as a word with its colour and shape. */
export function setBadge(node, state, word) {
  setAttribute(node, "data-state", state);
  setText(node, word);
}

export const byId = (id) => document.getElementById(id);

/**
 * Children of a node that stand for items, each found again by its key.
 *
 * `create(item)` makes `{node, update}`; `update(item)` shows what has changed.
 */
export class Keyed {
  constructor(parent, create) {
    this.parent = parent;
    this.create = create;
    this.known = new Map();
  }

  /** Show these `[key, item]` pairs; `keepOrder` leaves those that are there in their places. */
  show(pairs, keepOrder = false) {
    const gone = new Map(this.known);
    const nodes = pairs.map(([key, item]) => {
      gone.delete(key);
      return this.#shown(key, item);
    });
    for (const [key, { node }] of gone) {
      node.remove();
      this.known.delete(key);
    }
    if (keepOrder) this.parent.append(...nodes.filter((node) => !node.isConnected));
    else this.#order(nodes);
  }

  #shown(key, item) {
    let entry = this.known.get(key);
    if (!entry) {
      entry = this.create(item);
      this.known.set(key, entry);
    }
    entry.update(item);
    return entry.node;
  }

  #order(nodes) {
    // What is moved loses the focus, so only what stands elsewhere is.
    const focused = document.activeElement;
    let place = this.parent.firstChild;
    for (const node of nodes) {
      if (node === place) place = place.nextSibling;
      else this.parent.insertBefore(node, place);
    }
    if (focused !== document.activeElement && focused?.isConnected) {
      focused.focus({ preventScroll: true });
    }
  }
}
