// Days as the usage table counts them: whole days of UTC, written YYYY-MM-DD.

const DAY_MS = 86_400_000;

export const utcDay = (ms) => new Date(ms).toISOString().slice(0, 10);
export const startOfDay = (day) => Date.parse(`${day}T00:00:00Z`);

/** Every day from `from` to `to`, both included. */
export function rangeDays(from, to) {
  const days = [];
  for (let ms = startOfDay(from); ms <= startOfDay(to); ms += DAY_MS) days.push(utcDay(ms));
  return days;
}
