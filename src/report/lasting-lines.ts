import type { LastingFix } from '../core/model/persistent-fix.js';
import { escapeText } from '../model/escape-text.js';

/**
 * How a fix comes to stay, for people: where, the form line by line as it is pasted, what makes it act, and what else
 * to know. Nothing where nobody is known.
 */
export function lastingLines(lasting: readonly LastingFix[] | undefined, indent: string): readonly string[] {
  return (lasting ?? []).flatMap(({ by, where, form, apply, note }) => [
    `${indent}to last (${by}): ${where === '' ? escapeText(note) : escapeText(where)}`,
    ...(form === '' ? [] : form.split('\n').map((line) => `${indent}    ${escapeText(line)}`)),
    ...(apply === '' ? [] : [`${indent}  then: ${escapeText(apply)}`]),
    ...(note === '' || where === '' ? [] : [`${indent}  note: ${escapeText(note)}`]),
  ]);
}
