import { expect, it } from 'vitest';
import { watchCarriers } from '../../../../../src/system/state/changes/carrier-changes.js';

it('packet sockets of a namespace that is gone are not known, and nothing is thrown', async () => {
  const watch = watchCarriers('/run/netns/there-is-none');
  try {
    expect(await watch.take()).toEqual({
      packetSockets: [],
      logGroups: [],
      legacyTables: [],
      sharedTaps: {},
      programs: [],
      packetHandlers: [],
    });
    expect(watch.unheard()).toEqual(['packet sockets that come and go: /proc/net/packet cannot be read']);
  } finally {
    watch.close();
  }
});
