import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePortPairs } from '../../../src/system/fabric/host/injection-ports.js';
import { openJournal } from '../../../src/system/fabric/host/journal.js';
import { readState } from '../../../src/system/state/read.js';
import { throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { describeOnKernelWith } from '../../support/lab/features.js';

describeOnKernelWith(["tc's matchall"], 'the ways into a bridge of a host', () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
  });
  afterAll(() => host.close());

  it('redirect with matchall where the kernel has it', async () => {
    const { links } = await readState({ netns: host.netns, sysfs: false, sysctl: [] });
    const journal = openJournal(join(host.dir, 'own'), { runId: '00112233', netns: host.netns });
    const entries = await makePortPairs({
      ports: links.filter(({ name }) => name === 'vnet0'),
      netns: host.netns,
      runId: '00112233',
      journal,
    });
    expect(host.run(['tc', 'filter', 'show', 'dev', entries.names[0] ?? '', 'ingress'])).toMatch(
      /matchall[^]*mirred \(Ingress Redirect to device vnet0\)/,
    );
    entries.close();
    journal.remove();
  });
});
