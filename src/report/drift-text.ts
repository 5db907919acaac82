import type { Drift } from '../model/drift.js';
import { escapeText } from '../model/escape-text.js';

/** A drift as one line for people. */
export function driftText(drift: Drift, at: Date): string {
  return escapeText(
    `${at.toISOString()} ${drift.severity.toUpperCase().padEnd(6)} ${drift.code}: ${drift.place}: ${drift.before ?? 'nothing'} → ${drift.after ?? 'nothing'} (${drift.text})`,
  );
}
