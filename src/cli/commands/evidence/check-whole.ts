import { type CheckedFolder, checkFolder, type FolderCheck } from '../../../system/evidence/check-folder.js';
import type { WantedSignature } from './signature-options.js';
import { checkReportFile } from './write-report-file.js';

/** Checks a run's folder, and the report in it; `wrong`: what is not right, or was asked for and is missing. */
export async function checkWhole(
  dir: string,
  { signers, required }: WantedSignature,
): Promise<CheckedFolder & { readonly wrong: readonly FolderCheck[] }> {
  const checked = await checkFolder(dir, signers);
  const report = await checkReportFile(dir, checked);
  const at = checked.checks.findIndex(({ name }) => name === 'custody');
  const checks = [...checked.checks.slice(0, at), report, ...checked.checks.slice(at)];
  // Who asks for a signer wants a signature.
  const needed = required || signers !== null;
  const wrong = checks.filter(({ name, ok }) => ok === false || (ok === null && name === 'signature' && needed));
  return { ...checked, checks, wrong };
}
