import type { Result } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { foldAfter, type Paint, padEnd } from './layout.js';

const mostObservers = 40;

/** For --verbose: what each observer's zeros rest on, step by step. */
export function terminalPassed(result: Result, width: number, paint: Paint): readonly string[] {
  const lines = result.steps.flatMap((step, index) => {
    if (step.observers.length === 0) return [];
    const widest = Math.max(
      ...step.observers.slice(0, mostObservers).map((observer) => [...escapeText(observer.name)].length),
    );
    const more = step.observers.length - mostObservers;
    return [
      ...foldAfter(
        `  step ${index + 1}  `,
        `${escapeText(step.name)}; entry controls ${step.entry.seen} of ${step.entry.sent}`,
        width,
      ),
      ...step.observers.slice(0, mostObservers).flatMap((observer) => {
        const zeros = step.findings.filter(
          (finding) => finding.observer === observer.name && finding.allowed === 'no' && !finding.leak,
        );
        const sent = zeros.reduce((sum, finding) => sum + (finding.sent ?? 0), 0);
        const name = `          ${padEnd(escapeText(observer.name), widest)}  `;
        return foldAfter(
          name,
          `at ${escapeText(observer.interface)}: controls ${observer.controlsSeen} of ${observer.controlsSent}, dropped ${observer.dropped} of ${observer.received}${zeros.length === 0 ? '' : `, saw 0 of ${sent}`}`,
          width,
        );
      }),
      ...(more > 0 ? [`          and ${more} more, all of them in result.json`] : []),
    ];
  });
  return lines.length === 0 ? [] : [paint('Who listened', 'bold'), ...lines, ''];
}
