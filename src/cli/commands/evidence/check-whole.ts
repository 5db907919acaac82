import { usageError } from '../../../core/model/verify-error.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { jsonText } from '../../../core/text/json-text.js';
import { type CheckedFolder, checkFolder, type FolderCheck } from '../../../system/evidence/check-folder.js';
import { compareReaders, type ReaderComparison } from '../../../system/evidence/second-reader.js';
import type { WantedSignature } from './options.js';
import { checkReportFile } from './write-report-file.js';

/** Checks a run's folder and report. `wrong`: faults and missing required parts. */
export async function checkWhole(
  dir: string,
  { signers, required }: WantedSignature,
): Promise<CheckedFolder & { readonly wrong: readonly FolderCheck[] }> {
  const checked = await checkFolder(dir, signers);
  const report = await checkReportFile(dir, checked);
  const at = checked.checks.findIndex(({ name }) => name === 'custody');
  // A required signer requires a signature.
  const needed = required || signers !== null;
  const checks = [...checked.checks.slice(0, at), report, ...checked.checks.slice(at)].map((check) =>
    needed && check.name === 'signature' && check.ok === null
      ? { ...check, ok: false, text: 'unsigned, but a signature is required' }
      : check,
  );
  return { ...checked, checks, wrong: checks.filter(({ ok }) => ok === false) };
}

/**
 * Compares two independent readers of a classic capture: status 0, or 3 if they differ. VerifyError (64) for other
 * formats.
 */
export async function checkCaptureFile(path: string, json: boolean): Promise<number> {
  const comparison = await compareReaders(path);
  if (comparison === null)
    throw usageError(
      `${path}: no classic pcap in µs, and only that is read by two readers`,
      'a folder that a run left is checked by check DIR; a capture is judged by replay',
    );
  const same = comparison.differences.length === 0;
  process.stdout.write(json ? `${jsonText({ schemaVersion: 1, same, ...comparison }, 2)}\n` : textOf(comparison));
  return same && comparison.fault === null ? 0 : 3;
}

function textOf({ packets, fault, differences }: ReaderComparison): string {
  if (differences.length > 0)
    return `${differences.map((text) => `WRONG ${escapeText(text)}\n`).join('')}${counted(packets, 'packet was', 'packets were')} compared\n`;
  const damage = fault === null ? '' : `, up to the damage: ${escapeText(fault)}`;
  return `ok    two readers read the same ${counted(packets, 'packet')}${damage}\n`;
}
