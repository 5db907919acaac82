import { describe, expect, it } from 'vitest';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import type { Plan } from '../../../../src/core/model/plan.js';
import { openHosts, remainingOn } from '../../../../src/run/hosts/open-hosts.js';
import type { RemoteHost } from '../../../../src/run/hosts/remote-host.js';
import { linkState, stateWith } from '../../../support/link-state.js';

const host = { name: 'hv2', ssh: 'root@hv2', command: ['verify-isolation'] };

/** A host in whose namespaces, by name, these interfaces are. */
function hostWith(links: Readonly<Record<string, readonly string[]>>): () => Promise<RemoteHost> {
  const ask = async ({ netns }: { readonly netns?: string | null }): Promise<unknown> => ({
    state: stateWith((links[netns ?? ''] ?? []).map((name, at) => linkState(name, at + 1))),
    neighbours: [],
  });
  return async () => ({
    name: 'hv2',
    lost: null,
    onMessage: () => undefined,
    onLost: () => undefined,
    giveUp: () => undefined,
    end: async () => undefined,
    ask: ask as RemoteHost['ask'],
  });
}

describe('what is left on a host that was lost', () => {
  it('is looked for in the namespace of its bridges, where the injection ports were', async () => {
    const connect = hostWith({ '/run/netns/tenants': ['br0', 'vi01234567-0', 'vi01234567-1', 'vi76543210-0'] });
    expect(await remainingOn(host, '/run/netns/tenants', '0123456789abcdef', connect)).toBe(
      'the interfaces vi01234567-0, vi01234567-1',
    );
    expect(await remainingOn(host, null, '0123456789abcdef', connect)).toBeNull();
  });

  it('is not known where it cannot be asked', async () => {
    const connect = async (): Promise<RemoteHost> => {
      throw new VerifyError('host-unreachable', 69, 'hv2 cannot be reached', 'try ssh');
    };
    expect(await remainingOn(host, null, '01234567', connect)).toBe(
      'it cannot be asked what is left there (hv2 cannot be reached); its helper undoes what is its own by itself',
    );
  });
});

describe('other hosts are opened', () => {
  /** A host whose helper notes what it is asked, and what it answered; it refuses to open where it is said. */
  function noting(name: string, notes: string[], opens: () => Promise<object>): RemoteHost {
    const ask = async ({ ask: question }: { readonly ask: string }): Promise<unknown> => {
      notes.push(`${name} ${question}`);
      if (question !== 'open') return { left: [] };
      return opens().finally(() => notes.push(`${name} answers`));
    };
    const silent = { lost: null, onMessage: () => undefined, onLost: () => undefined, giveUp: () => undefined };
    return { ...silent, name, end: async () => undefined, ask: ask as RemoteHost['ask'] };
  }

  it('at once, and each is closed after its answer if one refuses', async () => {
    const notes: string[] = [];
    let answer = (_: object): void => undefined;
    const late = new Promise<object>((resolve) => (answer = resolve));
    const refused = async (): Promise<object> => {
      setImmediate(() => answer({ ways: {}, inside: {} }));
      throw new VerifyError('host-refused', 69, 'hv2: another run has it', 'wait');
    };
    const parts = [noting('hv2', notes, refused), noting('hv3', notes, () => late)].map((remote) => ({
      host: remote.name,
      remote,
      netns: null,
      state: stateWith([]),
    }));
    const plan = { hosts: [], endpoints: [], bridges: [], steps: [] } as unknown as Plan;
    const foundHosts = { parts } as unknown as Parameters<typeof openHosts>[1]['foundHosts'];
    const opening = openHosts(plan, { foundHosts, runId: '0', readHere: async () => stateWith([]), signal: null });
    await expect(opening).rejects.toThrow('hv2: another run has it');
    expect(notes.slice(0, 4)).toEqual(['hv2 open', 'hv3 open', 'hv2 answers', 'hv3 answers']);
    expect(notes.slice(4).sort()).toEqual(['hv2 close', 'hv3 close']);
  });
});
