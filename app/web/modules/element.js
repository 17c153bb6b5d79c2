// Builds DOM nodes. All text goes in through text nodes, so nothing from a file name is ever read as markup.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** Return a new element; null and false attributes are left out, `true` ones are set empty. */
export function element(tag, attributes = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...[children].flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Return the picture `name` of icons.svg, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG_NAMESPACE, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG_NAMESPACE, "use");
  use.setAttribute("href", `/web/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Return a button with a click handler; `attributes` as in `element`. */
export function button(attributes, children, onClick) {
  const node = element("button", { type: "button", class: "button", ...attributes }, children);
  node.addEventListener("click", onClick);
  return node;
}

/** Return the element with this id, which the page must have. */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`index.html has no element with the id "${id}"`);
  return node;
}
