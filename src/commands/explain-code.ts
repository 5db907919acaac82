import { auditMeanings, isAuditId } from '../audit/meanings.js';
import { isReasonCode, reasonHints } from '../judge/reasons.js';
import { VerifyError } from '../model/verify-error.js';
import { nearestWord } from '../scenario/nearest-word.js';

export const codes: readonly string[] = [...Object.keys(reasonHints), ...Object.keys(auditMeanings)];

/** What a code of a report means and what to do about it. VerifyError 64, with the nearest known one, for a code that no report has. */
export function explainCode(code: string): string {
  const parts = [
    ...(isReasonCode(code) ? [`a reason why evidence does not carry a verdict.\n  ${reasonHints[code]}`] : []),
    ...(isAuditId(code) ? [`a finding of the audit, and the cause of a leak.\n  ${auditMeanings[code]}`] : []),
  ];
  if (parts.length === 0) {
    const near = nearestWord(code, codes);
    throw new VerifyError('usage', 64, `${code} is not a code of this program`, near === null ? 'explain without a code lists them all' : `did you mean ${near}? explain without a code lists them all`);
  }
  return `${parts.map((part) => `${code}: ${part}`).join('\n')}\n`;
}

/** Every code, by kind. */
export function listCodes(): string {
  return `reasons why evidence does not carry a verdict:\n${Object.keys(reasonHints).map((code) => `  ${code}`).join('\n')}\nfindings of the audit, causes of leaks:\n${Object.keys(auditMeanings).map((code) => `  ${code}`).join('\n')}\n`;
}
