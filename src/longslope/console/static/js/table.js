// A list as a table: each column has a label, a cell and, if its cells are figures, `number: true`.

import { h } from "./dom.js";

/** A table node that becomes cards on a narrow screen. `rowAttributes(row)` may make rows lead somewhere. */
export function table(columns, rows, { caption, rowAttributes = () => ({}), foot = null } = {}) {
  const kind = ({ number, buttons }) => (number ? "number" : buttons ? "buttons" : null);
  return h(
    "div",
    { class: "table-frame" },
    h(
      "table",
      { class: "cards" },
      h("caption", { class: "visually-hidden" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((column) => h("th", { scope: "col", class: kind(column) }, column.label)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) => tableRow(columns, row, rowAttributes(row), kind)),
      ),
      foot
        ? h(
            "tfoot",
            {},
            tableRow(
              columns.map((column, at) => ({ ...column, cell: () => foot[at] })),
              null,
              {},
              kind,
            ),
          )
        : null,
    ),
  );
}

function tableRow(columns, row, attributes, kind) {
  return h(
    "tr",
    attributes,
    columns.map((column) =>
      h("td", { class: kind(column), data: { label: column.label } }, h("div", {}, column.cell(row))),
    ),
  );
}

/** A second, smaller line in a cell. */
export const sub = (...children) => h("span", { class: "sub" }, children);
