// JSON Schemas of an OpenAPI document in words: what type a value has, within which bounds, of which fields.

const FAR = 2 ** 31 - 1; // a bound out there says nothing to a reader

/** The schema itself, behind its reference if it is one. */
export function resolve(api, schema) {
  return schema.$ref ? resolve(api, api.components.schemas[schema.$ref.split("/").at(-1)]) : schema;
}

/** The type as TypeScript would write it: `string | null`, `Message[]`, `"price" | "cost"`. */
export function typeWords(api, schema) {
  const at = resolve(api, schema);
  const choices = at.oneOf ?? at.anyOf ?? (Array.isArray(at.type) && at.type.map((type) => ({ type })));
  if ("const" in at) return JSON.stringify(at.const);
  if (at.enum) return union(at.enum.map((value) => JSON.stringify(value)));
  if (choices) return union(choices.map((choice) => typeWords(api, choice)));
  if (at.prefixItems) return `[${at.prefixItems.map((item) => typeWords(api, item)).join(", ")}]`;
  if (at.type === "array") return listOf(typeWords(api, at.items ?? {}));
  if (at.properties) return at.title ?? "object";
  if (at.type === "object" && Object.keys(at.additionalProperties ?? {}).length)
    return `{[name]: ${typeWords(api, at.additionalProperties)}}`;
  return at.type ?? "any";
}

const union = (words) => [...new Set(words)].join(" | ");
const listOf = (words) => (words.includes(" | ") ? `(${words})[]` : `${words}[]`);

/** What the value must keep to, as `[kind, text]` with the kinds range, characters, items, pattern and default. */
export function bounds(api, schema) {
  const at = resolve(api, schema);
  const found = [
    ["range", at.exclusiveMinimum === undefined ? undefined : `> ${at.exclusiveMinimum}`],
    ["range", span(at.minimum, at.maximum)],
    ["characters", span(at.minLength, at.maxLength)],
    ["items", span(at.minItems, at.maxItems)],
    ["pattern", at.pattern],
    ["default", at.default === undefined || at.default === null ? undefined : JSON.stringify(at.default)],
  ];
  const own = found.filter(([, text]) => text !== undefined);
  return [...own, ...(at.oneOf ?? at.anyOf ?? []).flatMap((choice) => bounds(api, choice))];
}

function span(least, most) {
  const [from, to] = [least, most].map((bound) => (Math.abs(bound) < FAR ? bound : undefined));
  if (from !== undefined && to !== undefined) return `${from} – ${to}`;
  if (from !== undefined) return `≥ ${from}`;
  return to === undefined ? undefined : `≤ ${to}`;
}

/** The objects with fields that such a value is, or holds in a list or as one choice. */
export function objectsIn(api, schema) {
  const at = resolve(api, schema);
  if (at.properties) return [at];
  const inner = [...(at.oneOf ?? at.anyOf ?? []), ...(at.prefixItems ?? []), ...(at.items ? [at.items] : [])];
  return [...new Set(inner.flatMap((each) => objectsIn(api, each)))];
}

/** An object's fields, those that must be there first. */
export function fields({ properties, required = [] }) {
  const all = Object.entries(properties).map(([name, schema]) => ({
    name,
    schema,
    isRequired: required.includes(name),
  }));
  return all.sort((one, other) => Number(other.isRequired) - Number(one.isRequired));
}

/** Every operation of the document: OpenAI's paths before Ark's, which repeat them. */
export function operations(api) {
  const found = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      path,
      method: method.toUpperCase(),
      tag: operation.tags?.[0] ?? "",
    })),
  );
  const isArk = ({ path }) => Number(path.startsWith("/api/"));
  return found.sort((one, other) => isArk(one) - isArk(other));
}

/** The address of an operation for a shell: `{key_id}` becomes `$KEY_ID`. */
export const shellPath = (path) => path.replace(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`);
