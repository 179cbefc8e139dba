// Days and months as ISO text, without the clock's timezone getting in between.

export interface Day { year: number; month: number; day: number; iso: string }

const two = (value: number): string => String(value).padStart(2, '0');

function dayOf(date: Date): Day {
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  return { year, month, day, iso: `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}` };
}

export function parseIso(text: string): Day | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.exec(text.trim());
  if (found === null) return null;
  const [, year, month, day] = found.map(Number);
  const parsed = dayOf(new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1)));
  return parsed.month === month && parsed.day === day ? parsed : null;
}

export function today(now = new Date()): Day {
  return dayOf(new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate())));
}

export function shiftMonth({ year, month }: { year: number; month: number }, by: number): { year: number; month: number } {
  const moved = year * 12 + (month - 1) + by;
  return { year: Math.floor(moved / 12), month: (moved % 12) + 1 };
}

/** Six weeks from the Monday on or before the first. */
export function monthGrid({ year, month }: { year: number; month: number }): (Day & { inMonth: boolean })[] {
  const first = new Date(Date.UTC(year, month - 1, 1));
  const offset = (first.getUTCDay() + 6) % 7;
  return Array.from({ length: 42 }, (_, at) => {
    const day = dayOf(new Date(Date.UTC(year, month - 1, 1 - offset + at)));
    return { ...day, inMonth: day.month === month };
  });
}
