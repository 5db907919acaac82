import { answerVariant, type Finding, type Result } from '../core/model/result.js';

/** Verdicts, reasons and rows, without causes and texts. */
export interface ExpectedResult {
  readonly exit: number;
  readonly verdict: Result['verdict'];
  readonly steps: readonly {
    readonly name: string;
    readonly verdict: string | null;
    readonly asExpected: boolean;
    readonly reasons: readonly string[];
    readonly rows: readonly string[];
  }[];
}

function rowText(row: Finding): string {
  const pair = row.to === null ? row.from : `${row.from} > ${row.to}`;
  const tags = row.vlan.length === 0 ? '' : ` [${row.vlan.join(', ')}]`;
  const answer = row.variant === answerVariant ? ' answer' : '';
  return `${row.probe} ${row.class} ${row.carrier}${answer}${tags} ${pair} at ${row.observer} (${row.allowed}): ${row.seen} of ${row.sent ?? '?'}${row.leak ? ' LEAK' : ''}`;
}

/** The tested part of a result. */
export function expectedResult(result: Result): ExpectedResult {
  return {
    exit: result.exitCode,
    verdict: result.verdict,
    steps: result.steps.map(({ name, verdict, asExpected, reasons, findings }) => ({
      name,
      verdict,
      asExpected,
      reasons: reasons.map(({ code }) => code),
      rows: findings.map(rowText),
    })),
  };
}
