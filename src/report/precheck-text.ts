import { escapeText } from '../model/escape-text.js';
import type { PrecheckNote } from '../model/precheck.js';

/** What acts on frames beside the bridges, or watches them, a line each; empty where nothing was found. */
export function precheckText(notes: readonly PrecheckNote[]): string {
  return notes
    .map(
      ({ code, place, value, text }) =>
        `Note ${code}: ${escapeText(place)} (${escapeText(value)}): ${escapeText(text)}.\n`,
    )
    .join('');
}
