import fc from 'fast-check';

// Twenty find what a change broke; the thousand of `npm run test:all` look for what nobody thought of.
fc.configureGlobal({ numRuns: Number(process.env['VERIFY_ISOLATION_PROPERTY_RUNS'] ?? 20) });

const surrogates = { first: 0xd800, count: 0x800 };

/** Any character, surrogates aside: fast-check's own unit `binary` takes half a second for a table of them. */
export const anyCharacter = fc
  .nat(0x10ffff - surrogates.count)
  .map((at) => String.fromCodePoint(at < surrogates.first ? at : at + surrogates.count), placeOf);

/** The way back, by which fast-check adds words that are dangerous as keys: it throws for all but one character. */
function placeOf(text: unknown): number {
  const [character, ...others] = typeof text === 'string' ? text : '';
  const code = character?.codePointAt(0);
  if (code === undefined || others.length > 0) throw new Error('it is not one character');
  return code < surrogates.first ? code : code - surrogates.count;
}
