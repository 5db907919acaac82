import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { libvirtGuests } from '../../../../../src/core/discover/guests/libvirt.js';
import { childOf, elementsNamed, readXml } from '../../../../../src/core/discover/guests/read-xml.js';

describe('readXml', () => {
  it('reads elements, attributes, text and the five predefined entities', () => {
    const root = readXml(
      '<?xml version="1.0"?>\n<a><b c=\'1 &lt; 2\'>x<!-- no text --></b><n:b> &amp;<![CDATA[<y>]]> </n:b></a>',
    );
    expect(childOf(root, 'b')).toEqual({ name: 'b', attributes: { c: '1 < 2' }, children: [], text: 'x' });
    expect([...elementsNamed(root, 'b')].map(({ text }) => text)).toEqual(['x', '&<y>']);
  });

  it.each([
    [
      'a document type',
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
      'a document type is not read',
    ],
    [
      'a bomb of entities',
      '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
      'a document type is not read',
    ],
    ['an entity that nobody declared', '<a>&x;</a>', 'entity'],
    ['an end without a beginning', '<a></b></a>', 'close'],
    ['an element without an end', '<a><b></b>', 'nclosed'],
    ['two roots', '<a/><b/>', 'second root'],
    ['nothing', '', 'no element'],
    ['elements nested very deep', '<a>'.repeat(65), 'nested deeper'],
    ['very much', `<a>${'x'.repeat(1024 * 1024)}</a>`, 'more than'],
  ])('refuses %s', (_what, text, message) => {
    expect(() => readXml(text)).toThrow(message);
  });

  it('throws an Error at worst, whatever the text is', () => {
    const pieces = fc.array(
      fc.constantFrom(
        '<a>',
        '</a>',
        '<a',
        ' b="',
        '"',
        '&',
        '&#x0;',
        '&lt;',
        '<!DOCTYPE',
        '<![CDATA[',
        ']]>',
        '<?',
        '?>',
        '<!--',
        '\u0000',
        '\ud800',
        'x',
        '<domain>',
        '<interface>',
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(pieces, (list) => {
        try {
          libvirtGuests(list.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(TypeError);
        }
      }),
    );
  });
});
