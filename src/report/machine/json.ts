import { jsonText } from '../../core/text/json-text.js';
import type { ReportedRun, Reporter } from '../reporter.js';

/** The contract's document: the result of one run as in `result.json`, of several runs `{ "results": [ … ] }`. */
export const jsonReport: Reporter = (runs: readonly ReportedRun[]): string => {
  const [only] = runs;
  const document = runs.length === 1 && only !== undefined ? only.result : { results: runs.map((run) => run.result) };
  return `${jsonText(document, 2)}\n`;
};
