// As in escape-text.ts, but for C0, of which JSON leaves none but the line feeds between its lines; halves of surrogate pairs it escapes itself.
const dangerous = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** JSON that acts on no terminal: whatever would stands as `\u202e`, which a parser reads as the same text (RFC 8259, section 7). `indent`: spaces a level; 0 = one line. */
export function jsonText(value: object, indent = 0): string {
  const text = JSON.stringify(value, null, indent);
  return isHarmless(text) ? text : text.replace(dangerous, escaped);
}

/** Nothing but ASCII, without DEL: a text of 50 MB is looked at in a tenth of the time that a search for all that is dangerous takes. */
function isHarmless(text: string): boolean {
  return Buffer.byteLength(text) === text.length && !text.includes('\u007f');
}

function escaped(character: string): string {
  return character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}
