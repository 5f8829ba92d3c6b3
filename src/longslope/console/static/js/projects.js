// Projects: their trace policy and their places at the engines. Shown below the keys that belong to them.

import { all, patch, post } from "./api.js";
import { copyable } from "./copy.js";
import { field, formDialog, select } from "./dialog.js";
import { button, h } from "./dom.js";
import { count } from "./format.js";
import { fill, notice } from "./notice.js";
import { t } from "./page.js";
import { me } from "./shell.js";
import { sub, table } from "./table.js";

/** Fills `place` with the projects; `maker` is the button that makes one, shown to admins. */
export function showProjects(place, maker) {
  const load = () =>
    fill(place, async () => {
      const [projects, { role }] = await Promise.all([all("/projects"), me]);
      maker.hidden = role !== "admin";
      return h(
        "div",
        { class: "panel" },
        table(columns(role === "admin", load), projects, { caption: t("keys.projects") }),
      );
    });
  maker.addEventListener("click", () => makeProject(load));
  return load();
}

function columns(isAdmin, reload) {
  return [
    { label: t("keys.name"), cell: (row) => [h("strong", {}, row.name), sub(copyable(row.id))] },
    { label: t("keys.trace"), cell: (row) => t(`keys.trace_${row.trace}`) },
    { label: t("keys.concurrency"), number: true, cell: (row) => count(row.max_concurrency) },
    { label: t("keys.queue"), number: true, cell: (row) => count(row.max_queue) },
    { label: t("keys.deadline"), number: true, cell: (row) => `${count(row.queue_deadline_ms / 1000)} s` },
    {
      label: "",
      buttons: true,
      cell: (row) =>
        isAdmin
          ? button(t("keys.change"), () => changeProject(row, reload), {
              kind: "ghost small",
              iconName: "sliders",
            })
          : null,
    },
  ];
}

function fields(project = {}) {
  const number = (name, min, max, value) =>
    h("input", { name, type: "number", min, max, value: value ?? "", placeholder: t("keys.default") });
  return [
    field(
      t("keys.name"),
      h("input", {
        name: "name",
        required: true,
        maxlength: 128,
        value: project.name ?? "",
        autocomplete: "off",
      }),
    ),
    field(
      t("keys.trace"),
      select(
        "trace",
        ["none", "metadata", "content"].map((trace) => [trace, t(`keys.trace_${trace}`)]),
        project.trace ?? "metadata",
      ),
      t("keys.trace_hint"),
    ),
    h(
      "div",
      { class: "row" },
      field(
        t("keys.concurrency"),
        number("max_concurrency", 1, 100_000, project.max_concurrency),
        t("keys.concurrency_hint"),
      ),
      field(t("keys.queue"), number("max_queue", 0, 1_000_000, project.max_queue), t("keys.queue_hint")),
      field(
        t("keys.deadline_ms"),
        number("queue_deadline_ms", 1, 3_600_000, project.queue_deadline_ms),
        t("keys.deadline_hint"),
      ),
    ),
  ];
}

function body({ name, trace, ...limits }) {
  const numbers = Object.entries(limits).filter(([, value]) => value !== "");
  return { name, trace, ...Object.fromEntries(numbers.map(([field_, value]) => [field_, Number(value)])) };
}

function makeProject(reload) {
  formDialog(t("keys.make_project"), fields(), t("keys.make_project"), async (values) => {
    await post("/projects", body(values));
    notice(t("keys.project_made", { name: values.name }));
    await reload();
  });
}

function changeProject(project, reload) {
  formDialog(
    t("keys.change_project", { name: project.name }),
    fields(project),
    t("keys.save"),
    async (values) => {
      await patch(`/projects/${encodeURIComponent(project.id)}`, body(values));
      notice(t("keys.project_changed", { name: values.name }));
      await reload();
    },
  );
}
