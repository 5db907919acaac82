import type { Held, Result } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { apartStories, entryStories, entryText, heldStories, placesText } from '../stories.js';
import { foldAfter, padEnd, type Paint } from './layout.js';

const maxShown = 12;
const maxNames = 4;

function someNames(names: readonly string[]): string {
  return names.length > maxNames
    ? `${names.slice(0, maxNames - 1).join(', ')} and ${names.length - maxNames + 1} more`
    : names.join(', ');
}

/** `learned-entry alone (fdb … dev enp8s0)`, or all barriers with the first one's places. */
function barriersText({ alone, barriers }: Held): string {
  return barriers
    .map(
      (barrier) =>
        `${barrier.code}${alone ? ' alone' : ''}${barrier.places.length === 0 ? '' : ` (${placesText(barrier, 2)})`}`,
    )
    .join(', and ');
}

/**
 * What was in the way of what did not arrive, and where one carrier hides what another shows; nothing where no step
 * says so.
 */
export function terminalWhyHolds(result: Result, width: number, paint: Paint): readonly string[] {
  const stories = heldStories(result);
  const apart = apartStories(result);
  const entries = entryStories(result);
  if (stories.length === 0 && apart.length === 0 && entries.length === 0) return [];
  const more = stories.length - maxShown;
  return [
    paint('Why it holds', 'bold'),
    ...stories
      .slice(0, maxShown)
      .flatMap(({ steps, story }) => [
        ...foldAfter(
          `  step ${steps.map((step) => step + 1).join(', ')}  `,
          escapeText(
            `${story.class} from ${someNames(story.from)} kept from ${someNames(story.observers)} by ${barriersText(story)}`,
          ),
          width,
        ),
        ...(story.alone
          ? story.barriers.flatMap(({ opens }) => foldAfter('          opened by ', escapeText(opens), width))
          : []),
      ]),
    ...(more > 0 ? [`  and ${more} more, all of them in result.json`] : []),
    ...entries
      .slice(0, maxShown)
      .flatMap(({ step, held }) => foldAfter(`  step ${step + 1}  `, escapeText(entryText(held)), width)),
    ...(entries.length > maxShown ? [`  and ${entries.length - maxShown} more, all of them in result.json`] : []),
    ...apart
      .slice(0, maxShown)
      .flatMap(({ step, apart: { class: name, from, to, observers, text } }) =>
        foldAfter(
          `  step ${step + 1}  `,
          escapeText(`${name} ${from} → ${to ?? 'all'} at ${someNames(observers)}: ${text}`),
          width,
        ),
      ),
    '',
  ];
}

const maxObservers = 40;

/** For --verbose: what each observer's zeros rest on, step by step. */
export function terminalPassed(result: Result, width: number, paint: Paint): readonly string[] {
  const lines = result.steps.flatMap((step, index) => {
    if (step.observers.length === 0) return [];
    const widest = Math.max(
      ...step.observers.slice(0, maxObservers).map((observer) => [...escapeText(observer.name)].length),
    );
    const more = step.observers.length - maxObservers;
    return [
      ...foldAfter(
        `  step ${index + 1}  `,
        `${escapeText(step.name)}; entry controls ${step.entry.seen} of ${step.entry.sent}`,
        width,
      ),
      ...step.observers.slice(0, maxObservers).flatMap((observer) => {
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
