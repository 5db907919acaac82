import { describe, expect, it } from 'vitest';
import {
  both,
  count,
  either,
  fits,
  flag,
  mapOf,
  matching,
  maybe,
  misfitOf,
  type Of,
  oneOf,
  only,
  orNull,
  pathText,
  strict,
  tagged,
  text,
} from '../../../../src/core/model/shape/shape.js';

const record = {
  name: text,
  size: maybe(count),
  parent: orNull(text),
  lists: [[flag]],
  by: mapOf({ kind: oneOf('a', 2, true) }),
};
const good = { name: 'x', parent: null, lists: [[true], []], by: { y: { kind: 2 } } };

const said = (shape: Parameters<typeof misfitOf>[0], value: unknown): string | null => {
  const misfit = misfitOf(shape, value);
  return misfit === null ? null : `${pathText(misfit.at)}: ${misfit.expected}`;
};

describe('a shape', () => {
  it('gives the type of what it checks', () => {
    const value: Of<typeof record> = { ...good, by: { y: { kind: 2 } }, size: 3 };
    expect(fits(record, value)).toBe(true);
    expect(fits(record, good)).toBe(true);
  });

  it.each([
    [null, ': an object'],
    [[good], ': an object'],
    [{ ...good, name: 7 }, 'name: text'],
    [{ parent: null, lists: [], by: {} }, 'name: text'],
    [{ ...good, size: -1 }, 'size: a whole number from 0'],
    [{ ...good, size: 1.5 }, 'size: a whole number from 0'],
    [{ ...good, size: null }, 'size: a whole number from 0'],
    [{ ...good, parent: undefined }, 'parent: text'],
    [{ ...good, lists: {} }, 'lists: a list'],
    [{ ...good, lists: [[], [true, 'no']] }, 'lists[1][1]: true or false'],
    [{ ...good, by: { 'a b': { kind: 'c' } } }, 'by["a b"].kind: one of a, 2, true'],
    [{ ...good, by: [] }, 'by: an object'],
  ])('says where %j is not of it', (value, text) => expect(said(record, value)).toBe(text));

  it('takes no member from the prototype', () => {
    expect(said({ toString: text }, {})).toBe('toString: text');
    expect(said(tagged('type', { a: {} }), { type: 'constructor' })).toBe('type: a');
  });

  it('lets other members stay, takes them out at any depth, or refuses them', () => {
    const more = (): unknown => JSON.parse('{"name":"x","inner":[{"a":1,"b":2}],"__proto__":7,"more":1}');
    const shape = { name: text, inner: [{ a: count }] };
    const [kept, dropped] = [more(), more()];
    expect([misfitOf(shape, kept), kept]).toEqual([null, more()]);
    expect(misfitOf(shape, dropped, 'drop')).toBeNull();
    expect(JSON.stringify(dropped)).toBe('{"name":"x","inner":[{"a":1}]}');
    expect(said(strict(shape), { name: 'x', inner: [{ a: 1, b: 2 }] })).toBe('inner[0].b: a member');
    expect(said(strict(shape), { name: 'x', inner: [{ a: 1 }] })).toBeNull();
  });

  it('distinguishes records by a word', () => {
    const shape = tagged('type', { open: { path: text }, close: {}, read: either({ all: flag }, { bytes: count }) });
    const value: Of<typeof shape> = { type: 'open', path: '/' };
    expect(said(shape, value)).toBeNull();
    expect(said(shape, { type: 'read', bytes: 3 })).toBeNull();
    expect(said(shape, { type: 'read' })).toBe('bytes: a whole number from 0');
    expect(said(shape, { type: 'open' })).toBe('path: text');
    expect(said(shape, { type: 'other' })).toBe('type: one of open, close, read');
    expect(said(strict(shape), { type: 'close', path: '/' })).toBe('path: a member');
  });

  it('may be two shapes, one of several, or pass one more test', () => {
    const shape = both({ id: count }, tagged('ask', { now: {} }));
    expect(said(shape, { id: 1, ask: 'now' })).toBeNull();
    expect(said(shape, { ask: 'now' })).toBe('id: a whole number from 0');
    expect(said(shape, { id: 1 })).toBe('ask: now');
    expect(said(either(text, count), true)).toBe(': a whole number from 0');
    // A shape that does not fit takes nothing out
    const value = { at: { x: 1, y: 2 }, b: 'b' };
    expect(fits(either({ at: { x: count }, a: text }, { at: { y: count }, b: text }), value, 'drop')).toBe(true);
    expect(value).toEqual({ at: { y: 2 }, b: 'b' });
    expect(
      said(
        only(count, 'an even number', (value) => value % 2 === 0),
        3,
      ),
    ).toBe(': an even number');
    expect(said(matching(/^a$/), 'b')).toBe(': text like ^a$');
    expect(said(matching(/^a$/), 1)).toBe(': text');
  });
});
