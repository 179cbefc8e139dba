import { describe, expect, it } from 'vitest';

import { monthGrid, parseIso, shiftMonth } from './calendar';

describe('the calendar', () => {
  it.each(['2026-06-09', '2026-06-09T14:30', '2026-06-09T14:30:00Z', '2024-02-29'])('reads %s', (text) => expect(parseIso(text)?.iso).toBe(text.slice(0, 10)));
  it.each(['2026-02-30', '2026-13-01', '09/06/2026', '2026-6-9', '2026-06-09T25:00', ''])('refuses %j', (text) => expect(parseIso(text)).toBeNull());
  it('has six weeks that begin on a Monday', () => {
    const grid = monthGrid({ year: 2026, month: 6 });
    expect(grid).toHaveLength(42);
    expect(grid[0]?.iso).toBe('2026-06-01');
    expect(monthGrid({ year: 2026, month: 11 })[0]?.iso).toBe('2026-10-26');
  });
  it('goes over the end of a year', () => {
    expect(shiftMonth({ year: 2026, month: 12 }, 1)).toEqual({ year: 2027, month: 1 });
    expect(shiftMonth({ year: 2026, month: 1 }, -1)).toEqual({ year: 2025, month: 12 });
  });
});
