import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from '../call.js';

/**
 * The evidence of one small run in the lab, whose verdict is broken as expected: 20 probes each way and one HTTP
 * request, all overheard by `c`.
 */
export function smallRun(): { readonly scratch: string; readonly dir: string } {
  const scratch = mkdtempSync(join(tmpdir(), 'evidence-test-'));
  const file = join(scratch, 'hub.yml');
  const dir = join(scratch, 'run');
  writeFileSync(
    file,
    `version: 1
name: hub
topology:
  provider: lab
  bridges: { br0: { ageing_time: 0 } }
  endpoints:
    a: { bridge: br0, port: p0, ip: 192.0.2.1/24 }
    b: { bridge: br0, port: p1, ip: 192.0.2.2/24 }
    c: { bridge: br0, port: p2, ip: 192.0.2.3/24 }
steps:
  - name: probes
    probe: [ { class: known-unicast, from: a, to: b, both_ways: true, count: 20 } ]
    expect: leak
  - name: http
    traffic: [ { kind: http, from: a, to: b, requests: 1, bytes: 500 } ]
    expect: leak
`,
  );
  const { status, stderr } = call(
    'run',
    file,
    '--out',
    dir,
    '--quiet',
    '--operator',
    'Ann Other',
    '--ticket',
    'CHG-17',
  );
  if (status !== 0) throw new Error(`the run to test with exited with ${status}: ${stderr}`);
  return { scratch, dir };
}
