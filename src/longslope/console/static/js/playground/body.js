// A chat request's body from what stands in the parameters and what was said so far.

/** A parameter that cannot be sent; `field` names it. */
export class ParameterError extends Error {
  constructor(field, detail) {
    super(detail);
    this.name = "ParameterError";
    this.field = field;
  }
}

/** The body for one model. Fields left empty are left out, so that the model's own defaults hold. */
export function requestBody(model, messages, parameters) {
  const body = { model, messages: said(messages, parameters.system) };
  for (const name of ["temperature", "top_p", "max_tokens", "seed"]) {
    if (parameters[name] !== "") body[name] = Number(parameters[name]);
  }
  const format = responseFormat(parameters);
  if (format) body.response_format = format;
  if (parameters.tools.trim()) body.tools = tools(parameters.tools);
  return { ...body, stream: true, stream_options: { include_usage: true } };
}

/** The messages as the API wants them: the system prompt first, answers without what was measured. */
function said(messages, system) {
  const bare = messages
    .filter(({ error }) => !error)
    .map(({ role, content, tool_calls, tool_call_id }) => ({
      role,
      content: content ?? (tool_calls ? null : ""),
      ...(tool_calls ? { tool_calls } : {}),
      ...(tool_call_id ? { tool_call_id } : {}),
    }));
  return system.trim() ? [{ role: "system", content: system }, ...bare] : bare;
}

function responseFormat({ format, schema }) {
  if (format === "text") return null;
  if (format === "json_object") return { type: "json_object" };
  return {
    type: "json_schema",
    json_schema: { name: "answer", schema: parseJson("schema", schema), strict: true },
  };
}

/** The tools box holds one tool or a list; a bare function is wrapped as the API wants it. */
function tools(text) {
  const value = parseJson("tools", text);
  const list = Array.isArray(value) ? value : [value];
  return list.map((tool) => (tool.type === "function" ? tool : { type: "function", function: tool }));
}

function parseJson(field, text) {
  try {
    const value = JSON.parse(text);
    if (value === null || typeof value !== "object") throw new SyntaxError("{ … }");
    return value;
  } catch (error) {
    throw new ParameterError(field, error.message);
  }
}
