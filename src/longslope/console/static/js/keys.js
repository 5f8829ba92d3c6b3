// The page Keys: making one (its secret is shown once), revoking, and the projects that keys belong to.

import { all, remove } from "./api.js";
import { copyable } from "./copy.js";
import { confirmDialog } from "./dialog.js";
import { byId, button, h } from "./dom.js";
import { ago, time } from "./format.js";
import { makeKey } from "./key_form.js";
import { empty, fill, notice } from "./notice.js";
import { t } from "./page.js";
import { showProjects } from "./projects.js";
import { me } from "./shell.js";
import { stateMark } from "./states.js";
import { sub, table } from "./table.js";

const content = byId("content");
byId("make").addEventListener("click", () => makeKey(load));
byId("make-project").hidden = true;
load();
showProjects(byId("projects"), byId("make-project"));

function load() {
  return fill(content, async () => {
    const [keys, projects, mine] = await Promise.all([all("/keys"), all("/projects"), me]);
    const names = new Map(projects.map(({ id, name }) => [id, name]));
    if (!keys.length) {
      return empty(
        t("keys.empty"),
        t("keys.empty_hint"),
        button(t("keys.make"), () => makeKey(load), { kind: "primary", iconName: "plus" }),
      );
    }
    return h(
      "div",
      { class: "panel" },
      table(columns(names, mine), keys, {
        caption: t("keys.title"),
        rowAttributes: ({ id }) => ({ data: { key: id } }),
      }),
    );
  });
}

function columns(projectNames, mine) {
  return [
    {
      label: t("keys.name"),
      cell: (row) => [
        h("strong", {}, row.name),
        row.id === mine.key_id ? [" ", h("span", { class: "tag" }, t("keys.yours"))] : null,
        sub(h("span", { class: "mono" }, `${row.hint}…`)),
      ],
    },
    { label: t("keys.state"), cell: (row) => stateMark(row.state) },
    { label: t("keys.project"), cell: (row) => projectNames.get(row.project_id) ?? copyable(row.project_id) },
    { label: t("keys.role"), cell: (row) => t(`shared.role_${row.role}`) },
    { label: t("keys.limits"), cell: limits },
    {
      label: t("keys.expires"),
      cell: (row) =>
        row.expires_ms === null
          ? t("keys.never")
          : h("time", { title: time(row.expires_ms) }, ago(row.expires_ms)),
    },
    {
      label: t("keys.created"),
      cell: (row) => h("time", { title: time(row.created_ms) }, ago(row.created_ms)),
    },
    {
      label: "",
      buttons: true,
      cell: (row) =>
        row.state === "active"
          ? button(t("keys.revoke"), () => confirmRevoke(row, mine), {
              kind: "ghost small",
              iconName: "trash",
            })
          : null,
    },
  ];
}

function limits({ allowed_models: models, allowed_ips: addresses }) {
  if (!models.length && !addresses.length) return h("span", { class: "faint" }, t("keys.no_limits"));
  return [
    models.length ? h("div", {}, t("keys.only_models", { names: models.join(", ") })) : null,
    addresses.length ? h("div", {}, t("keys.only_addresses", { addresses: addresses.join(", ") })) : null,
  ];
}

function confirmRevoke({ id, name }, mine) {
  const words = id === mine.key_id ? t("keys.revoke_own_words") : t("keys.revoke_words");
  confirmDialog(t("keys.revoke_title", { name }), words, t("keys.revoke"), async () => {
    await remove(`/keys/${encodeURIComponent(id)}`);
    notice(t("keys.revoked", { name }));
    await load();
  });
}
