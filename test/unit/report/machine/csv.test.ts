import { expect, it } from 'vitest';
import { csvReport } from '../../../../src/report/machine/csv.js';
import { doubtfulStep, type experiment, findings, result, step } from '../../../support/report/fixture.js';

const render = (run: typeof experiment): readonly string[] =>
  csvReport([{ result: run, dir: null, details: null }], { width: 80, color: false }).split('\n');

it('has a line for each row, zeros too, and for a step without rows', () => {
  const lines = render(
    result([
      step('quiet, "one"', { findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0 }) }),
      doubtfulStep('deaf', 'control-missing', 'kali3', 'deaf', { findings: [] }),
    ]),
  );
  expect(lines).toEqual([
    'scenario,run,step,step_name,verdict,class,carrier,variant,vlan,from,to,observer,allowed,sent,seen,leak,accepted,rows',
    'wireshark-experiment,0123456789abcdef,1,"quiet, ""one""",holds,known-unicast,raw,,,kali2,lan,lan,must,100,100,false,false,1',
    'wireshark-experiment,0123456789abcdef,1,"quiet, ""one""",holds,known-unicast,raw,,,kali2,lan,kali3,no,100,0,false,false,1',
    'wireshark-experiment,0123456789abcdef,2,deaf,inconclusive,,,,,,,,,,,,,',
    '',
  ]);
});

it.each(['=cmd|1', '+1', '-1', '@sum'])('is no formula to a spreadsheet: %s', (name) => {
  const [, line = ''] = render(result([step(name, {})]));
  expect(line).toContain(`,1,'${name},holds`);
});

/** RFC 4180 section 2, with line ends of Unix: a field, escaped or not, and the character behind it. */
const field = /("(?:[^"]|"")*"|[ !#-+\--~\u0080-\uffff]*)(,|\n)/uy;

it.each(['a,b', 'say "x"', 'two\nlines', '"', ',,', 'carriage\rreturn', 'ünï'])(
  'is records of as many fields as the head, as RFC 4180 has them: a step called %j',
  (name) => {
    const text = csvReport([{ result: result([step(name, {})]), dir: null, details: null }], {
      width: 80,
      color: false,
    });
    const records = [0];
    let at = 0;
    for (field.lastIndex = 0; at < text.length; at = field.lastIndex) {
      const [, , end] = field.exec(text) ?? [];
      expect([at, end]).toEqual([at, expect.stringMatching(/^[,\n]$/)]);
      records[records.length - 1] = (records.at(-1) ?? 0) + 1;
      if (end === '\n') records.push(0);
    }
    expect(records).toEqual([18, 18, 0]);
  },
);
