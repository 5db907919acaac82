import type { Result } from '../../core/model/result.js';
import { counted } from '../../core/text/escape.js';
import { answerOf } from '../answer/answer.js';
import { exposuresOf } from '../answer/exposures.js';
import { plainMarkdown } from '../markdown.js';
import { isUnacceptedLeak } from '../reported-leaks.js';
import type { ReportedRun, Reporter } from '../reporter.js';

/** In our words, not the standard's. */
interface Control {
  readonly standard: string;
  readonly clause: string;
  readonly asks: string;
}

/** In force in 2026. */
const controls: readonly Control[] = [
  { standard: 'PCI DSS 4.0.1', clause: '11.4.5', asks: 'segmentation is tested at least once a year' },
  { standard: 'PCI DSS 4.0.1', clause: '11.4.6', asks: 'service providers test it at least every six months' },
  { standard: 'ISO/IEC 27001:2022', clause: 'A.8.22', asks: 'groups of services, users and systems are segregated' },
  { standard: 'NIST SP 800-53 Rev. 5', clause: 'SC-7', asks: 'communication at key internal boundaries is controlled' },
  { standard: 'NIST SP 800-53 Rev. 5', clause: 'AC-4', asks: 'flows between connected systems follow a policy' },
  { standard: 'BSI IT-Grundschutz', clause: 'NET.1.1', asks: 'network segments are separated' },
  { standard: 'BSI IT-Grundschutz', clause: 'SYS.1.5', asks: 'virtual systems are isolated from each other' },
];

/** Unproven is never a pass. */
function shownBy(result: Result): string {
  const exposed = exposuresOf(result).length;
  const accepted = result.steps.flatMap(({ findings }) => findings.filter((row) => row.accepted !== undefined)).length;
  const { observed, ports } = result.coverage;
  const limits = [
    ...(exposed === 0 ? [] : [counted(exposed, 'thing exposed', 'things exposed')]),
    ...(accepted === 0 ? [] : [counted(accepted, 'leak accepted', 'leaks accepted')]),
    ...(observed === ports ? [] : [`${ports - observed} of ${counted(ports, 'port')} not observed`]),
  ];
  switch (result.verdict) {
    case 'holds':
      return limits.length === 0
        ? 'supported: nothing leaked'
        : `supported in part: no claimed barrier is breached; ${limits.join(', ')}`;
    case 'broken':
      return 'contradicted: frames reached guests that they were not for';
    case 'inconclusive':
      return 'not shown: the run is inconclusive';
  }
}

function causesOf({ steps }: Result): string {
  const leaks = steps.flatMap(({ findings }) => findings.filter(isUnacceptedLeak));
  const causes = new Set(leaks.flatMap((leak) => leak.causes.slice(0, 1).map(({ code }) => code)));
  return causes.size === 0 ? '' : ` Causes: ${[...causes].join(', ')}.`;
}

function runLines({ result, dir, details, judged = result }: ReportedRun): readonly string[] {
  const { word, sentence } = answerOf({ result: judged, dir, details: null });
  const { scenario, run, tool, coverage } = judged;
  const shown = shownBy(judged);
  return [
    `## ${plainMarkdown(scenario.name)}`,
    '',
    `${plainMarkdown(word.text)}: ${plainMarkdown(sentence)}.${causesOf(judged)}`,
    '',
    `Run ${plainMarkdown(run.id)}, ${plainMarkdown(run.startedAt)}, ${coverage.observed} of ${coverage.ports} ports observed, program ${plainMarkdown(tool.version)}${dir === null ? '' : `, evidence ${plainMarkdown(dir)}`}.`,
    ...(details?.plan.provider === 'lab'
      ? ['', 'A lab of namespaces and no host: it shows what its settings do.']
      : []),
    '',
    '| standard | clause | it asks that | this run |',
    '| --- | --- | --- | --- |',
    ...controls.map(({ standard, clause, asks }) => `| ${standard} | ${clause} | ${asks} | ${shown} |`),
    '',
  ];
}

/**
 * For auditors: evidence for PCI DSS, ISO/IEC 27001, NIST SP 800-53 and BSI IT-Grundschutz. A run alone fulfils no
 * clause.
 */
export const controlsReport: Reporter = (runs, { unended = [] }) =>
  [
    '# Separation of guests: controls that the runs test',
    '',
    'A run is evidence of one host at one time. It fulfils no control by itself.',
    '',
    ...runs.flatMap(runLines),
    ...unended.map(({ name, why }) => `- ${plainMarkdown(name)}: no result: ${plainMarkdown(why)}. Nothing is shown.`),
    '',
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
