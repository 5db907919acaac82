import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { LeakGroup } from '../../../../src/core/model/result.js';
import { showFrame } from '../../../../src/core/wire/shown-frame.js';
import { htmlReport } from '../../../../src/report/html/page.js';
import { decodeFrame, hexDump } from '../../../../src/report/answer/decode-frame.js';
import { wiresharkFilter } from '../../../../src/report/answer/frames.js';
import { reported } from '../../../support/report/evidence.js';

const page = (...runs: Parameters<typeof htmlReport>[0]): string => htmlReport(runs, { width: 80, color: false });

const groupOf = (from: string): LeakGroup => ({
  cause: 'unknown-flood',
  from: [from],
  to: ['b'],
  observers: ['c'],
  classes: ['known-unicast'],
  carriers: ['raw'],
  rows: 7,
  sent: 7,
  seen: 7,
  firstSighting: null,
  causes: [],
});

describe('html report', () => {
  it('holds no script, no handler, nothing to load, and a policy whose hash is that of its style', () => {
    const text = page(reported(['c']));
    expect(text).not.toMatch(/<script|<link|<img|<iframe| on\w+=| style=|@import|url\((?!#)|https?:/i);
    const style = /<style>([^]*?)<\/style>/.exec(text)?.[1] ?? '';
    expect(text).toContain(
      `content="default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'"`,
    );
  });

  it('counts among the leaks of a claim those that are folded, as the answer does', () => {
    const run = reported(['c']);
    const [step] = run.result.steps;
    if (step === undefined) throw new Error('no step');
    const findings = step.findings.map((finding) => (finding.leak ? { ...finding, grouped: 7_880_400 } : finding));
    const rows = findings.filter(({ leak }) => leak).length * 7_880_400;
    const text = page({ ...run, result: { ...run.result, steps: [{ ...step, findings }] } });
    expect(text).toContain(`<td>${rows.toLocaleString('en-US')} leaking rows</td>`);
    expect(page(reported([]))).toContain('<td>no leak</td>');
  });

  it('says what its matrix leaves out, and what stands beside a run that judged nothing', () => {
    const run = reported(['c']);
    const [step] = run.result.steps;
    if (step === undefined) throw new Error('no step');
    const nameless = step.findings.map((row) => (row.leak ? { ...row, from: '*', grouped: 7 } : row));
    const names = Array.from({ length: 70 }, (_, at) => `n${at}`);
    const groups = names.map((name) => ({ ...groupOf('a'), from: [name], observers: [`o${name}`] }));
    const withSteps = (...steps: typeof run.result.steps): string => page({ ...run, result: { ...run.result, steps } });
    expect(withSteps({ ...step, findings: nameless, groups: [groupOf('*')] })).toContain(
      '; and 7 leaks without a known sender in result.json',
    );
    expect(withSteps({ ...step, groups })).toMatch(/; and \d+ more rows and columns in result.json/);
    const precheck = [{ code: 'tc-mirror', place: 'p0 ingress', value: 'mirred', text: 'a copy' } as const];
    const unjudged = { ...step, verdict: null, observers: [], findings: [] };
    const text = page({ ...run, result: { ...run.result, steps: [unjudged], precheck } });
    expect(text).toContain('tc-mirror: p0 ingress (mirred): a copy');
  });

  it('says in a sentence who received what was not meant for it', () => {
    expect(page(reported(['c']))).toContain('Isolation is broken: c received frames that were meant for others.');
    expect(page(reported([]))).toContain('No endpoint received frames meant for another');
  });

  it.each(['<script>alert(1)</script>', '"><svg onload=alert(1)>', "' onmouseover='x", '&lt;', '\u001b[31m\u202e'])(
    'treats the name %j as data',
    (name) => {
      const text = page(reported(['c'], { name, zone: name }));
      expect(text).not.toContain(name === '&lt;' ? '>&lt;<' : name);
      expect(text).not.toMatch(/<script|<svg onload|' onmouseover|\u001b|\u202e/);
    },
  );

  it('draws each cause as a line with its members, whichever side of the bridge, and says whose ear is proven', () => {
    const text = page(reported(['c', 'lan']));
    const [picture = ''] = /<svg class="net"[^]*?<\/svg>/.exec(text) ?? [];
    const members = [...picture.matchAll(/<title>(\w+) (sends|overhears)<\/title>/g)].map(([, name, part]) => [
      name,
      part,
    ]);
    expect(members).toContainEqual(['a', 'sends']);
    expect(members).toContainEqual(['c', 'overhears']);
    expect(members).toContainEqual(['lan', 'overhears']);
    expect(new Set(members.map(([name]) => name)).size).toBe(3);
    expect(text).toMatch(/✔ ear proven \d+\/\d+/);
  });

  it('draws leaks of many guests as a bracket each, in numbers that no guest makes larger', () => {
    const run = reported(
      Array.from({ length: 50 }, (_, at) => `g${at}`),
      { guests: 50 },
    );
    const [picture = ''] = /<svg class="net"[^]*?<\/svg>/.exec(page(run)) ?? [];
    const rails = picture.match(/class="rail"/g) ?? [];
    expect(rails.length).toBeGreaterThan(0);
    expect(rails.length).toBeLessThan(20);
    expect(picture).toMatch(/>50 of \d+ endpoints receive traffic from a for b /);
  });

  it('maps who overheard whom, in cells that say it in words', () => {
    const text = page(reported(['c']));
    expect(text).toContain('<title>c overhears a: known-unicast</title>');
    expect(text).toContain('<title>lan overheard nothing of a</title>');
    expect(text.match(/class="heat leak"/g)).toHaveLength(1);
  });

  it('maps a thousand guests by those that behave alike', () => {
    const text = page(reported(['g7', 'g9'], { guests: 1000 }));
    const cells = text.match(/class="heat \w+"/g) ?? [];
    expect(cells.length).toBeLessThan(200);
    expect(text).toContain('those that behave alike in one row');
    expect(text).toMatch(/<title>[^<]*g7[^<]* overhears a: known-unicast<\/title>/);
  });

  it('says at its head what it is filed under: date, run, kernel, scope and method', () => {
    const text = page(reported(['c']));
    const [head = ''] = /<div class="head">[^]*?<\/div>/.exec(text) ?? [];
    expect(head).toMatch(/<dt>date<\/dt><dd>\d{4}-\d\d-\d\d \d\d:\d\d UTC, .* run \w+<\/dd>/);
    expect([...head.matchAll(/<dt>(\w+)<\/dt>/g)].map(([, name]) => name)).toEqual([
      'date',
      'kernel',
      'scope',
      'method',
    ]);
    expect(head).toContain('endpoints on br0; ');
  });

  it('folds all but the first screen, and says each thing once', () => {
    const text = page(reported(['c']));
    expect(text.match(/class="leak bad"/g)).toHaveLength(1);
    const ids = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, id]) => id);
    expect(ids(/<section id="(\w+)"/g)).toEqual(['causes', 'claims', 'topology']);
    expect(ids(/<\/summary><div id="(\w+)"/g)).toEqual(
      expect.arrayContaining(['matrix', 'proof', 'provenance', 'frames']),
    );
  });

  it('shows what changed in the state as a diff', () => {
    const text = page(reported([], { state: true }));
    expect(text).toContain('− br0.ageing_time 300 s');
    expect(text).toContain('+ br0.ageing_time 0');
  });

  it('gives several runs in one page ids of their own', () => {
    const ids = [...page(reported(['c']), reported(['c'])).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('stays small with 200 guests', () => {
    expect(Buffer.byteLength(page(reported(['g7', 'g9'], { guests: 200 })))).toBeLessThan(400_000);
  });

  it('decodes the first frame and names a Wireshark filter that tshark accepts', () => {
    const run = reported(['c']);
    const frame = run.details?.frames[0] ?? expect.unreachable();
    expect(decodeFrame(frame, () => 'x').map((layer) => layer.name)).toEqual(['Ethernet', 'Type', 'Token']);
    expect(hexDump(frame).split('\n')[0]).toBe(
      '0000  52 54 00 00 00 02 52 54 00 00 00 01 88 b5 56 49  RT....RT......VI',
    );
    const filter = wiresharkFilter(frame, run.result, run.details ?? expect.unreachable());
    expect(filter).toMatch(
      /^frame\.interface_id == \d+ && eth\.src == 52:54:00:00:00:01 && eth\.dst == 52:54:00:00:00:02$/,
    );
    const { status, error } = spawnSync('dftest', [filter], { encoding: 'utf8' });
    if (error === undefined) expect(status).toBe(0);
  });

  it('decodes arbitrary bytes without an error', () => {
    for (let length = 0; length < 80; length += 1)
      expect(
        decodeFrame(
          showFrame(
            1,
            Uint8Array.from({ length }, (_, at) => (at * 37 + length) & 255),
            length,
          ),
          () => null,
        ).length,
      ).toBeGreaterThan(0);
  });
});
