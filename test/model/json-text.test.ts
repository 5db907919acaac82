import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText } from '../../src/model/escape-text.js';
import { jsonText } from '../../src/model/json-text.js';

describe('JSON that is printed or kept', () => {
  it('has nothing in it that a terminal acts on, and says the same', () => {
    expect(jsonText({ a: '\u202e\u007f\u{e0041}é' })).toBe('{"a":"\\u202e\\u007f\\udb40\\udc41é"}');
    expect(jsonText({ a: [1] }, 2)).toBe('{\n  "a": [\n    1\n  ]\n}');
  });
  it('reads as what it was made of, whatever that is', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      const written = jsonText({ [text]: text });
      expect(JSON.parse(written)).toEqual({ [text]: text });
      expect(escapeText(written)).toBe(written);
    }));
  });
});
