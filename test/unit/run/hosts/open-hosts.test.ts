import { describe, expect, it } from 'vitest';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import { remainingOn } from '../../../../src/run/hosts/open-hosts.js';
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
