// The little Markdown that models write most: code blocks, headings, lists, bold and inline code. It builds nodes,
// never markup, so whatever else an answer holds stays plain text.

import { codeBlock } from "./copy.js";
import { h } from "./dom.js";

/** The text in blocks: `{kind: "code" | "heading" | "list" | "text", …}`. A code fence may still be open. */
export function blocks(text) {
  const found = [];
  let fence = null;
  for (const line of text.split("\n")) {
    const mark = /^\s*(```+|~~~+)\s*([\w+-]*)\s*$/.exec(line);
    if (fence) {
      if (mark && mark[1].startsWith(fence.mark) && !mark[2]) fence = null;
      else fence.block.lines.push(line);
    } else if (mark) {
      fence = { mark: mark[1], block: { kind: "code", language: mark[2], lines: [] } };
      found.push(fence.block);
    } else {
      take(found, line);
    }
  }
  return found;
}

function take(found, line) {
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  const item = /^\s*(?:[-*+•]|(\d+)[.)])\s+(.*)$/.exec(line);
  const last = found.at(-1);
  if (heading) {
    found.push({ kind: "heading", lines: [heading[2]] });
  } else if (item) {
    const ordered = item[1] !== undefined;
    if (last?.kind === "list" && last.ordered === ordered) last.lines.push(item[2]);
    else found.push({ kind: "list", ordered, start: Number(item[1] ?? 1), lines: [item[2]] });
  } else if (line.trim() === "") {
    found.push({ kind: "gap", lines: [] });
  } else if (last?.kind === "text") {
    last.lines.push(line);
  } else {
    found.push({ kind: "text", lines: [line] });
  }
}

/** The text's inline parts: `["plain" | "bold" | "code", text]`. */
export function inline(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(/`([^`\n]+)`|\*\*([^*\n]+)\*\*/g)) {
    if (match.index > from) parts.push(["plain", text.slice(from, match.index)]);
    parts.push(match[1] === undefined ? ["bold", match[2]] : ["code", match[1]]);
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(["plain", text.slice(from)]);
  return parts;
}

const inlineNodes = (text) =>
  inline(text).map(([kind, words]) =>
    kind === "plain" ? words : h(kind === "bold" ? "strong" : "code", {}, words),
  );

/** Nodes that show the text. */
export function render(text) {
  return blocks(text).map((block) => {
    if (block.kind === "gap") return null;
    if (block.kind === "code") return codeBlock(block.lines.join("\n"), block.language || null);
    if (block.kind === "heading") return h("p", { class: "md-heading" }, inlineNodes(block.lines[0]));
    if (block.kind === "text") return h("p", {}, inlineNodes(block.lines.join("\n")));
    const items = block.lines.map((line) => h("li", {}, inlineNodes(line)));
    return block.ordered ? h("ol", { start: block.start }, items) : h("ul", {}, items);
  });
}
