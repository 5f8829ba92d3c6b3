// A request as code that runs elsewhere: curl, and for chats Python with the OpenAI SDK or the Ark SDK.

const KEY = "LONGSLOPE_API_KEY";
const LINE = 100; // what is shorter stands on one line

/** `curl` for a chat request. */
export const chatCurl = (origin, body) => curl(`${origin}/v1/chat/completions`, { method: "POST", body });

/** `curl` for any call; in `url` a `$NAME` is left to the shell. Quoted for a POSIX shell. */
export function curl(url, { method = "GET", body } = {}) {
  const implied = body === undefined ? "GET" : "POST";
  const lines = [
    `curl ${method === implied ? "" : `-X ${method} `}${/[$&?]/.test(url) ? `"${url}"` : url}`,
    `-H "Authorization: Bearer $${KEY}"`,
  ];
  if (body !== undefined) {
    lines.push('-H "Content-Type: application/json"', `-d '${json(body).replaceAll("'", `'\\''`)}'`);
  }
  return lines.join(" \\\n  ");
}

/** JSON on one line where it is short, else indented. */
function json(body) {
  const line = JSON.stringify(body);
  return line.length <= LINE ? line : JSON.stringify(body, null, 2);
}

/** Python with the `openai` package. */
export function openaiPython(origin, body) {
  return `import os
from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=os.environ["${KEY}"])
${callAndPrint(body)}`;
}

/** Python with the `volcengine-ark-runtime` package. */
export function arkPython(origin, body) {
  return `import os
from volcenginesdkarkruntime import Ark

client = Ark(base_url="${origin}/api/v3", api_key=os.environ["${KEY}"])
${callAndPrint(withExtraBody(body))}`;
}

/** The Ark SDK takes only the fields that it knows; the others ride in `extra_body`. */
function withExtraBody({ seed, ...body }) {
  return seed === undefined ? body : { ...body, extra_body: { seed } };
}

function callAndPrint(body) {
  const fields = Object.entries(body).map(([name, value]) => `    ${name}=${python(value, 1)},\n`);
  const call = `client.chat.completions.create(\n${fields.join("")})`;
  if (!body.stream) return `answer = ${call}\nprint(answer.choices[0].message)\n`;
  return `stream = ${call}
for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
`;
}

/** A JSON value as a Python literal. */
export function python(value, depth = 0) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return pythonText(value);
  if (typeof value !== "object") return String(value);
  const inner = "    ".repeat(depth + 1);
  const items = Array.isArray(value)
    ? value.map((item) => python(item, depth + 1))
    : Object.entries(value).map(([name, item]) => `${pythonText(name)}: ${python(item, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const line = `${open}${items.join(", ")}${close}`;
  if (line.length <= LINE && !line.includes("\n")) return line;
  return `${open}\n${items.map((item) => `${inner}${item},\n`).join("")}${"    ".repeat(depth)}${close}`;
}

/** JSON's text literals are Python's as well; a lone surrogate, which Python refuses to print, is escaped by both. */
const pythonText = (text) => JSON.stringify(text);
