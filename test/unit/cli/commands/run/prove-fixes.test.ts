import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from '../../../../support/scratch.js';
import { callHere } from '../../../../support/call-here.js';

const scratch = scratchFolder('prove-fix');

const scenario = `
version: 1
name: hub
topology:
  provider: lab
  bridges: { br0: { stp_state: off, ageing_time: 0 } }
  endpoints:
    alice: { bridge: br0, port: tap0 }
    bob: { bridge: br0, port: tap1 }
    lan: { bridge: br0, port: eth9, role: uplink }
steps:
  - name: bob overhears alice and the LAN
    probe: [ { class: known-unicast, from: lan, to: alice, count: 20, carriers: [ raw ] } ]
    expect: leak
`;

it('run --prove-fix refuses a host before anything runs', async () => {
  writeFileSync(
    join(scratch, 'host.yml'),
    scenario
      .replace('provider: lab', 'provider: host')
      .replace('stp_state: off, ageing_time: 0', '')
      .replace('expect: leak', 'expect: private'),
  );
  expect(await callHere('run', join(scratch, 'host.yml'), '--prove-fix')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('--prove-fix changes what it runs on'),
  });
});
