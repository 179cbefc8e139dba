import { describe, expect, it } from 'vitest';

import { parsePosition, toDecimal, toDms } from './degrees';
import { measure } from './measure';

describe('typed coordinates', () => {
  it.each([
    ['45.07, 5.55', [5.55, 45.07]],
    ['-33.5; 151.25', [151.25, -33.5]],
    ['45°04\'06"N 5°33\'00"E', [5.55, 45.0683333]],
    ['45° 04′ 06.0″ N  5° 33′ 00.0″ E', [5.55, 45.0683333]],
    ['5°33\'E 45°04\'06"N', [5.55, 45.0683333]],
    ['45.07 5.55', [5.55, 45.07]],
  ])('reads %s', (text, expected) => expect(parsePosition(text)).toEqual(expected));

  it.each(['', 'here', '45.07', '95, 5', '45.07, 5.55, 3'])('refuses %j', (text) => expect(parsePosition(text)).toBeNull());

  it('reads what it shows', () => {
    expect(parsePosition(toDecimal([5.548123, 45.068222]))).toEqual([5.548123, 45.068222]);
    expect(toDms([-5.55, -45.5])).toBe('45° 30′ 00.0″ S  5° 33′ 00.0″ W');
    expect(toDms([5.9999999, 45])).toBe('45° 00′ 00.0″ N  6° 00′ 00.0″ E');
  });
});

describe('measures', () => {
  it('takes a degree on the equator for 111.3 km', () => {
    expect(measure({ type: 'LineString', coordinates: [[0, 0], [1, 0]] }).length).toBeCloseTo(111_319.49, 1);
  });

  it('takes holes from the area', () => {
    const outer = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]];
    const hole = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6], [0.4, 0.4]];
    const whole = measure({ type: 'Polygon', coordinates: [outer] }).area ?? 0;
    expect(whole).toBeCloseTo(12_308_778_361, -3);
    expect(measure({ type: 'Polygon', coordinates: [outer, hole] }).area).toBeLessThan(whole * 0.97);
  });
});
