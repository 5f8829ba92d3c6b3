// The dialog that puts a new price or cost of a model in force.

import { post } from "./api.js";
import { field, formDialog, select } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./page.js";

/** Asks for a price or cost of `model`; the last one in force is filled in. */
export function priceDialog(model, currency, done) {
  const amount = (name, value) =>
    h("input", {
      name,
      required: true,
      inputmode: "decimal",
      pattern: "\\d{1,9}(\\.\\d{1,6})?",
      value: value ?? "",
      autocomplete: "off",
    });
  const side = select(
    "side",
    [
      ["price", t("models.price")],
      ["cost", t("models.cost")],
    ],
    "price",
  );
  const inputs = ["input", "cached_input", "output"].map((name) => amount(name, model.price?.[name]));
  side.addEventListener("change", () => {
    for (const input of inputs) input.value = model[side.value]?.[input.name] ?? "";
  });
  return formDialog(
    t("models.price_title", { model: model.name }),
    [
      h(
        "div",
        { class: "row" },
        field(t("models.side"), side, t("models.side_hint")),
        field(
          t("models.currency"),
          h("input", {
            name: "currency",
            required: true,
            pattern: "[A-Z]{3}",
            value: model.price?.currency ?? currency,
          }),
        ),
      ),
      h(
        "div",
        { class: "row" },
        field(t("models.input"), inputs[0]),
        field(t("models.cached_input"), inputs[1]),
        field(t("models.output"), inputs[2]),
      ),
    ],
    t("models.price_save"),
    async (values) => {
      await post("/prices", { model: model.name, ...values });
      await done();
    },
    { lead: t("models.price_lead") },
  );
}
