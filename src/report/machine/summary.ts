import type { CodeCount, RunSummary } from '../../core/model/fleet.js';
import type { LeakGroup, Result } from '../../core/model/result.js';
import { exposedText } from '../answer/exposures.js';
import { runWord, summary } from '../word.js';

const maxCodes = 40;

function countCodes(entries: readonly CodeCount[]): readonly CodeCount[] {
  const counts = new Map<string, number>();
  for (const { code, count } of entries) counts.set(code, (counts.get(code) ?? 0) + count);
  return [...counts]
    .map(([code, count]) => ({ code, count }))
    .sort((a, b) => b.count - a.count || a.code.localeCompare(b.code))
    .slice(0, maxCodes);
}

const rowsOf = (groups: readonly LeakGroup[] = [], isAccepted = false): readonly CodeCount[] =>
  groups.flatMap(({ cause, rows, accepted }) =>
    (accepted !== undefined) === isAccepted ? [{ code: cause, count: rows }] : [],
  );

/** A run in codes and counts, without guests, addresses or rules. */
export function runSummary(result: Result): RunSummary {
  const { run, scenario, verdict, exitCode, coverage, steps } = result;
  const exposed = exposedText(result);
  return {
    id: run.id,
    scenario: scenario.name.slice(0, 200),
    startedAt: run.startedAt,
    durationMs: run.durationMs,
    verdict,
    exitCode,
    answer: `${runWord(result).text}: ${summary(result)}${exposed === '' ? '' : `; ${exposed}`}`,
    observed: coverage.observed,
    ports: coverage.ports,
    causes: countCodes(steps.flatMap(({ asExpected, groups }) => (asExpected ? [] : rowsOf(groups)))),
    accepted: countCodes(steps.flatMap(({ groups }) => rowsOf(groups, true))),
    exposed: countCodes(steps.flatMap(({ exposures }) => rowsOf(exposures))),
    doubts: countCodes(
      steps.flatMap(({ asExpected, reasons }) =>
        asExpected ? [] : [...new Set(reasons.map(({ code }) => code))].map((code) => ({ code, count: 1 })),
      ),
    ),
  };
}
