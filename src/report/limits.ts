import type { Result } from '../core/model/result.js';

/** The step that holds with the shortest wait says until when a run holds. */
function lingeredMs({ steps }: Result): number | null {
  const waits = steps.filter(({ verdict }) => verdict === 'holds').map(({ lingerMs }) => lingerMs);
  const known = waits.flatMap((ms) => (ms === undefined ? [] : [ms]));
  return known.length === 0 || known.length < waits.length ? null : Math.min(...known);
}

/** `holds until 10 s after the last probe`; null = no longer than usual, or nothing holds. */
export function lingerText(result: Result): string | null {
  const ms = lingeredMs(result);
  return ms === null ? null : `holds until ${Number((ms / 1000).toFixed(1))} s after the last probe of a step`;
}

/**
 * What could carry frames past the ears and is trusted not to, once each, with who answers for it and why: without that
 * the verdict would be another.
 */
export function trustedTexts({ steps }: Result): readonly string[] {
  const declared = steps.flatMap(({ trusted = [] }) => trusted);
  const texts = declared.map(({ what, where, owner, ticket, until, reason }) => {
    const by = [owner, ticket].filter((name) => name !== null).join(', ');
    return `${what}${where === null ? '' : ` at ${where}`}${by === '' ? '' : `, by ${by}`}${until === null ? '' : `, until ${until}`}: ${reason}`;
  });
  return [...new Set(texts)];
}
