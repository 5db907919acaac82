import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText } from '../../../../src/core/text/escape.js';
import { jsonText } from '../../../../src/core/text/json-text.js';
import { anyCharacter } from '../../../support/property-runs.js';

describe('JSON that is printed or kept', () => {
  it('has nothing in it that a terminal acts on, and says the same', () => {
    expect(jsonText({ a: '\u202e\u007f\u{e0041}é' })).toBe('{"a":"\\u202e\\u007f\\udb40\\udc41é"}');
    expect(jsonText({ a: [1] }, 2)).toBe('{\n  "a": [\n    1\n  ]\n}');
  });
  it('reads as what it was made of, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        const written = jsonText({ [text]: text });
        expect(JSON.parse(written)).toEqual({ [text]: text });
        expect(escapeText(written)).toBe(written);
      }),
    );
  });
  it('is laid out as JSON.stringify does it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^[a-z]*$/),
          fc.oneof(
            fc.integer(),
            fc.stringMatching(/^[ -~]*$/),
            fc.array(fc.dictionary(fc.stringMatching(/^[a-z]*$/), fc.boolean())),
          ),
        ),
        (value) => {
          expect(jsonText(value, 2)).toBe(JSON.stringify(value, null, 2));
        },
      ),
    );
  });
  it('has each element of a long list in one line, and all around it as ever', () => {
    const list = Array.from({ length: 10_001 }, (_, at) => ({ at, vlan: [at], text: 'a\nb' }));
    const value = {
      name: 'a',
      gone: undefined,
      none: {},
      steps: [{ findings: list, reasons: [{ code: 'b' }] }, { findings: [{ at: 0 }] }],
    };
    const text = jsonText(value, 2);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    const long = `[\n${list.map((element) => `        ${JSON.stringify(element)}`).join(',\n')}\n      ]`;
    const [before = '', after = ''] = JSON.stringify(
      { ...value, steps: [{ ...value.steps[0], findings: '*' }, value.steps[1]] },
      null,
      2,
    ).split('"*"');
    expect(text).toBe(`${before}${long}${after}`);
    expect(jsonText({ numbers: list.map(({ at }) => at) }, 2)).toBe(
      JSON.stringify({ numbers: list.map(({ at }) => at) }, null, 2),
    );
  });
});
