import { expect, it } from 'vitest';
import type { StepPlan } from '../../../../src/core/model/plan.js';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import type { RunContext } from '../../../../src/run/context.js';
import type { RemoteHost } from '../../../../src/run/hosts/remote-host.js';
import { FarWatch } from '../../../../src/run/hosts/watch-far.js';
import { linkState, stateWith } from '../../../support/link-state.js';
import { perfectRun } from '../../../support/judge/perfect-run.js';
import { there } from '../../../support/there.js';

const step: StepPlan = there(perfectRun().plan.steps[0]);
const socket = (inode: string) => ({ inode, ifindex: 0, protocol: '0003', holders: [], own: false });

const passing = { logGroups: [5], legacyTables: [], sharedTaps: {}, programs: [], packetHandlers: [] };

/** A host that hears these news, one after the other, and what it was asked. */
function hostWith(...news: readonly unknown[]): { readonly remote: RemoteHost; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const left = [...news];
  const ask = async (question: { readonly ask: string }): Promise<unknown> => {
    asked.push(question);
    if (question.ask === 'watch') return { watching: true };
    if (left.length === 0) throw new VerifyError('host-lost', 3, 'hv2 is lost', 'wait');
    return left.shift();
  };
  const rest = { lost: null, onMessage: () => undefined, onLost: () => undefined, giveUp: () => undefined };
  return { asked, remote: { name: 'hv2', ...rest, end: async () => undefined, ask: ask as RemoteHost['ask'] } };
}

const contextOf = (remote: RemoteHost): RunContext =>
  ({
    fabric: { observingPlace: (device: string) => ({ device, netns: '/run/netns/x', host: 'hv2' }) },
    remotes: new Map([['hv2', remote]]),
  }) as unknown as RunContext;

it('what changes on another host of a run is known with its host, once, and what cannot be heard there as well', async () => {
  const { remote, asked } = hostWith(
    {
      rules: [{ kind: 'tc', pid: 7, program: null }],
      settings: [{ ifindex: 3, what: 'isolated' }],
      passing: { ...passing, packetSockets: [socket('12'), socket('13')] },
      unheard: ['changes of nft rules: no'],
    },
    { rules: [], settings: [], passing: { ...passing, packetSockets: [socket('12')] }, unheard: [] },
  );
  const watch = await FarWatch.open(contextOf(remote), step);
  expect(asked).toEqual([{ ask: 'watch', netns: '/run/netns/x', routed: false }]);
  await watch.fetch();
  expect(watch.takeRules()).toEqual([{ kind: 'tc', pid: 7, program: null, host: 'hv2' }]);
  expect(watch.takeRules()).toEqual([]);
  expect(watch.takeSettings()).toEqual([{ ifindex: 3, what: 'isolated', host: 'hv2' }]);
  expect(watch.unheard()).toEqual(['hv2: changes of nft rules: no']);
  const state = { ...stateWith([linkState('br0', 1)]), apart: { hv2: { packetSockets: [socket('13')] } } };
  expect(watch.withPassing(state).apart?.['hv2']?.packetSockets?.map(({ inode }) => inode)).toEqual(['13', '12']);
  expect(watch.withPassing(state).apart?.['hv2']?.logGroups).toEqual([5]);
  await watch.fetch();
  await watch.fetch(); // lost: its observers report that
  expect(watch.takeSettings()).toEqual([]);
});
