import type { DoctorReport, MachineCheck } from '../../core/model/machine.js';
import { counted, escapeText } from '../../core/text/escape.js';
import { foldAfter } from './layout.js';
import { someText } from '../../core/text/names.js';

const signs = { ok: 'ok     ', note: 'note   ', missing: 'MISSING' } as const;
const maxNamed = 4;

function checkText(check: MachineCheck, width: number): readonly string[] {
  return [
    ...foldAfter(`  ${signs[check.state]}  `, check.text, width),
    ...(check.neededBy.length === 0
      ? []
      : foldAfter('           ', `needed by ${someText(check.neededBy, maxNamed)}`, width)),
    ...(check.mend === null ? [] : foldAfter('           → ', check.mend, width)),
  ];
}

export function doctorText(report: DoctorReport, width: number): string {
  const examined = report.groups.flatMap(({ checks }) => checks);
  const missing = examined.filter(({ state }) => state === 'missing').length;
  const notes = examined.filter(({ mend, state }) => state === 'note' && mend !== null).length;
  const last =
    missing > 0
      ? `${missing} missing: fix that first`
      : `scenarios can be run here${notes === 0 ? '' : `; ${counted(notes, 'thing can be fixed if it is', 'things can be fixed if they are')} needed`}`;
  const lines = [
    ...report.groups.flatMap(({ title, checks }) => [title, ...checks.flatMap((check) => checkText(check, width)), '']),
    last,
  ];
  return `${lines.map(escapeText).join('\n')}\n`;
}
