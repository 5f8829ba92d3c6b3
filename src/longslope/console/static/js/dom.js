// Elements from data. Text always goes in as text, never as markup, so nothing a model or a user wrote can run.

import { base } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `on` holds listeners, `vars` CSS custom properties, `data` data-attributes; null leaves out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element, by the same rules. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, { on = {}, vars = {}, data = {}, ...attributes }, children) {
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  for (const [property, value] of Object.entries(vars)) element.style.setProperty(property, String(value));
  for (const [key, value] of Object.entries(data)) element.dataset[key] = String(value);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (attribute.startsWith("aria-")) element.setAttribute(attribute, String(value));
    else if (value === false) continue;
    else if (attribute === "value" || attribute === "checked") element[attribute] = value;
    else element.setAttribute(attribute, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** Appends nodes, texts and nested lists of them; null, undefined and false are left out. */
export function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Puts `children` in place of whatever `parent` holds. */
export function show(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
  parent.removeAttribute("aria-busy");
}

/** One of the icons in icons.svg, hidden from screen readers. */
export function icon(name) {
  return s("svg", { class: "icon", "aria-hidden": "true" }, s("use", { href: `${base}/icons.svg#${name}` }));
}

/** A button with an icon and words. `kind` is "", "primary", "ghost" or "danger". */
export function button(words, onClick, { kind = "", iconName = null, type = "button", ...attributes } = {}) {
  return h(
    "button",
    { class: `button ${kind}`.trim(), type, on: onClick ? { click: onClick } : {}, ...attributes },
    iconName ? icon(iconName) : null,
    words,
  );
}

/** A button that shows only an icon; `words` is its name for screen readers and its tooltip. */
export function iconButton(iconName, words, onClick, attributes = {}) {
  return h(
    "button",
    {
      class: "button ghost icon-only",
      type: "button",
      title: words,
      "aria-label": words,
      on: { click: onClick },
      ...attributes,
    },
    icon(iconName),
  );
}

export const byId = (id) => document.getElementById(id);
