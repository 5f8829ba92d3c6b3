// The two ways to bring a model in: an OpenAI-compatible address that somebody else runs, or a file on the machine.

import { post } from "./api.js";
import { field, formDialog, select } from "./dialog.js";
import { h } from "./dom.js";
import { notice } from "./notice.js";
import { t } from "./page.js";

const NAME = "[a-z0-9][a-z0-9._\\-]{0,63}";

const text = (name, attributes = {}) =>
  h("input", { name, autocomplete: "off", spellcheck: "false", ...attributes });
const nameField = () =>
  field(
    t("models.name"),
    text("name", { required: true, pattern: NAME, placeholder: "pro" }),
    t("models.name_hint"),
  );
const kindField = () =>
  field(
    t("models.kind"),
    select(
      "kind",
      [
        ["chat", t("models.kind_chat")],
        ["embedding", t("models.kind_embedding")],
      ],
      "chat",
    ),
  );
const commonFields = () => [
  field(t("models.summary"), text("summary", { maxlength: 500 })),
  field(
    t("models.independence"),
    text("independence", { placeholder: "unknown", maxlength: 64 }),
    t("models.independence_hint"),
  ),
];

/** A body without the fields that were left empty. */
const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));

/** A model behind a URL: vLLM, SGLang, a cloud. */
export function addUpstream(done) {
  return formDialog(
    t("models.add_upstream"),
    [
      h("div", { class: "row" }, nameField(), kindField()),
      field(
        t("models.base_url"),
        text("base_url", { type: "url", required: true, placeholder: "http://10.0.0.5:8000/v1" }),
      ),
      h(
        "div",
        { class: "row" },
        field(
          t("models.upstream_model"),
          text("model", { required: true, placeholder: "Qwen/Qwen3-32B" }),
          t("models.upstream_model_hint"),
        ),
        field(
          t("models.secret"),
          text("secret", { type: "password", autocomplete: "new-password" }),
          t("models.secret_hint"),
        ),
      ),
      h(
        "div",
        { class: "row" },
        field(
          t("models.context"),
          text("context_length", { type: "number", min: 1, max: 100_000_000, value: 131_072 }),
        ),
        field(
          t("models.capacity"),
          text("capacity", { type: "number", min: 1, max: 100_000, value: 256 }),
          t("models.capacity_hint"),
        ),
      ),
      commonFields(),
    ],
    t("models.add"),
    async ({ context_length: length, capacity, ...values }) => {
      const numbers = {
        context_length: Number(length) || undefined,
        capacity: Number(capacity) || undefined,
      };
      await post("/models/upstreams", { ...given(values), ...numbers });
      notice(t("models.added", { name: values.name }));
      await done();
    },
    { wide: true, lead: t("models.add_upstream_lead") },
  );
}

/** A model from a GGUF file on the platform's machine. */
export function addWeights(done) {
  return formDialog(
    t("models.add_weights"),
    [
      h("div", { class: "row" }, nameField(), kindField()),
      field(
        t("models.path"),
        text("path", { required: true, placeholder: "/data/models/my-model.Q4_K_M.gguf" }),
        t("models.path_hint"),
      ),
      commonFields(),
    ],
    t("models.add"),
    async (values) => {
      await post("/models/weights", given(values));
      notice(t("models.added", { name: values.name }));
      await done();
    },
    { wide: true, lead: t("models.add_weights_lead") },
  );
}
