// The dialog that makes a key, and the one that shows its secret, once, with code that uses it.

import { all, post } from "./api.js";
import { codeBlock, copyButton } from "./copy.js";
import { field, formDialog, openDialog, select } from "./dialog.js";
import { button, h } from "./dom.js";
import { t } from "./page.js";
import { me } from "./shell.js";

const DAY_MS = 86_400_000;

/** Asks for a key's name and limits, makes it and shows the secret; `done()` is called when the list has changed. */
export async function makeKey(done) {
  const [projects, models, { project_id: own, role }] = await Promise.all([
    all("/projects"),
    all("/models"),
    me,
  ]);
  formDialog(
    t("keys.make"),
    [
      field(
        t("keys.name"),
        h("input", {
          name: "name",
          required: true,
          maxlength: 128,
          autocomplete: "off",
          placeholder: t("keys.name_example"),
        }),
      ),
      h(
        "div",
        { class: "row" },
        field(
          t("keys.project"),
          select(
            "project_id",
            projects.map(({ id, name }) => [id, name]),
            own,
          ),
        ),
        field(t("keys.role"), select("role", roles(role), "developer"), t("keys.role_hint")),
        field(
          t("keys.expires"),
          select("days", [
            ["", t("keys.never")],
            ["1", t("keys.in_1")],
            ["30", t("keys.in_30")],
            ["90", t("keys.in_90")],
            ["365", t("keys.in_365")],
          ]),
        ),
      ),
      models.length ? modelChoice(models) : null,
      field(
        t("keys.addresses"),
        h("input", { name: "ips", placeholder: "10.2.0.0/16, 192.0.2.7", autocomplete: "off" }),
        t("keys.addresses_hint"),
      ),
    ],
    t("keys.make"),
    async (values, form) => {
      const created = await post("/keys", {
        name: values.name,
        project_id: values.project_id,
        role: values.role,
        allowed_models: new FormData(form).getAll("models"),
        allowed_ips: values.ips.split(/[\s,，]+/).filter(Boolean),
        expires_ms: values.days ? Date.now() + Number(values.days) * DAY_MS : null,
      });
      await done();
      showSecret(created, models);
    },
  );
}

function roles(own) {
  const names = own === "admin" ? ["developer", "viewer", "admin"] : ["developer", "viewer"];
  return names.map((role) => [role, t(`shared.role_${role}`)]);
}

function modelChoice(models) {
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, t("keys.models")),
    models.map(({ name }) =>
      h(
        "label",
        { class: "check" },
        h("input", { type: "checkbox", name: "models", value: name }),
        h("span", {}, name),
      ),
    ),
    h("small", {}, t("keys.models_hint")),
  );
}

function showSecret({ key, secret }, models) {
  const model = key.allowed_models[0] ?? models.find(({ kind }) => kind === "chat")?.name ?? "mini";
  const code = `curl ${location.origin}/v1/chat/completions \\
  -H "Authorization: Bearer ${secret}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "${t("keys.example")}"}]}'`;
  const dialog = openDialog(
    t("keys.made", { name: key.name }),
    h(
      "div",
      {},
      h(
        "div",
        { class: "dialog-body" },
        h("p", { class: "caution" }, t("keys.secret_once")),
        h(
          "div",
          { class: "secret" },
          h("code", { id: "secret" }, secret),
          copyButton(() => secret, { kind: "primary" }),
        ),
        h("h3", {}, t("keys.run")),
        codeBlock(code),
      ),
      h(
        "div",
        { class: "dialog-foot" },
        button(t("keys.kept"), () => dialog.close(), { kind: "primary" }),
      ),
    ),
    { wide: true },
  );
}
