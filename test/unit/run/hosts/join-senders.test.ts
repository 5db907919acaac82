import { describe, expect, it } from 'vitest';
import { joinSenders } from '../../../../src/run/hosts/join-senders.js';
import type { Sender, SocketRoute } from '../../../../src/system/inject/sender.js';

/** A sender that notes what it is given, and takes at most `most` frames. */
function noting(name: string, said: string[], most = Infinity): Sender {
  const sendRouted = async (
    routes: readonly SocketRoute[],
    frames: Uint8Array,
  ): Promise<{ readonly accepted: number; readonly error: string | null }> => {
    const count = routes.reduce((sum, route) => sum + route.count, 0);
    said.push(
      `${name}: ${routes.map(({ socket, count: n }) => `${socket}*${n}`).join(' ')} ${Buffer.from(frames).toString()}`,
    );
    return { accepted: Math.min(most, count), error: count > most ? 'ENETDOWN' : null };
  };
  return {
    pid: 1,
    sendRouted,
    send: (socket, frames, length) => sendRouted([{ socket, count: frames.length / length }], frames),
    onFault: () => undefined,
    stop: async () => undefined,
    kill: () => undefined,
  };
}

describe('senders on several hosts', () => {
  const frames = Buffer.from('abcdef');
  const routes = [
    { socket: 'x', count: 2 },
    { socket: 'y', count: 1 },
    { socket: 'z', count: 1 },
    { socket: 'x', count: 2 },
  ];
  const joined = (said: string[], most?: number): Sender =>
    joinSenders([
      { sender: noting('here', said), sockets: new Set(['x']) },
      { sender: noting('there', said, most), sockets: new Set(['y', 'z']) },
    ]);

  it('send in order, whichever host each frame leaves from', async () => {
    const said: string[] = [];
    expect(await joined(said).sendRouted(routes, frames, 1, null)).toEqual({ accepted: 6, error: null });
    expect(said).toEqual(['here: x*2 ab', 'there: y*1 z*1 cd', 'here: x*2 ef']);
  });

  it('end at the first frame that is not taken, and say why', async () => {
    const said: string[] = [];
    expect(await joined(said, 1).sendRouted(routes, frames, 1, null)).toEqual({ accepted: 3, error: 'ENETDOWN' });
    expect(said.length).toBe(2);
  });
});
