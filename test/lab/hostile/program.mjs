// Runs the scenario of this folder in the lab, each step under the attack that its name says, and prints the result:
// node program.mjs FILE OUT
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { enterForRuns, inLab } from '../../support/lab/in-lab.mjs';

/**
 * linux/if_packet.h: frames are preceded by a struct virtio_net_hdr, and may leave segments and checksums to the
 * device.
 */
const PACKET_VNET_HDR = 15;

/** Sends a frame that is not finished, with its virtio_net_hdr, at a place of the lab. */
async function sendUnfinished({ netns, device }, frame) {
  const [{ inNamespace }, { openPacketSocket }, { libc }, { SOL_PACKET }] = await Promise.all(
    ['namespaces', 'packet-socket', 'libc', 'socket-constants'].map(
      (name) => import(`../../../build/system/kernel/${name}.js`),
    ),
  );
  const fd = inNamespace(netns, () => openPacketSocket(device));
  try {
    if (libc().setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, new Uint8Array(new Uint32Array([1]).buffer), 4) < 0)
      throw new Error(`PACKET_VNET_HDR: ${libc().errnoName(libc().errno())}`);
    if (writeSync(fd, frame) !== frame.length) throw new Error('the frame was not taken whole');
  } finally {
    closeSync(fd);
  }
}

await inLab(async ([file, outDir]) => {
  const [run, { loadScenario }, { attacks, probesIn }] = await Promise.all([
    enterForRuns(),
    import('../../../build/core/scenario/load-scenario.js'),
    import('./attacks.mjs'),
  ]);
  const scenario = loadScenario(file, readFileSync(file));
  let step = -1;
  let fastest = 0;
  const alter = (devices) => ({
    ...devices,
    async startSender(places) {
      step += 1;
      const { act, late = false, of = 'alice' } = attacks[scenario.steps[step].name];
      const sender = await devices.startSender(places);
      let attacked = 0;
      const send = (socket, frames, length, perSecond) => {
        if (socket.startsWith('ear:')) fastest = Math.max(fastest, perSecond ?? Infinity);
        return sender.send(socket, frames, length, perSecond);
      };
      return {
        ...sender,
        send,
        async sendRouted(routes, frames, length, perSecond) {
          let at = 0;
          const probes = routes.flatMap(({ socket, count }) => {
            const from = at * length;
            at += count;
            return socket === `send:${of}` ? probesIn({ frames: frames.subarray(from, at * length), length }) : [];
          });
          const attack = async () => {
            attacked += 1;
            await act({
              probes,
              send: (at, some, each, rate = null) => sender.send(at, some, each, rate),
              sendUnfinished: (guest, frame) => sendUnfinished(places[`send:${guest}`], frame),
            });
          };
          if (probes.length > 0 && !late) await attack();
          const outcome = await sender.sendRouted(routes, frames, length, perSecond);
          if (probes.length > 0 && late) await attack();
          return outcome;
        },
        async stop() {
          if (attacked === 0) throw new Error('the attack did not take place');
          return sender.stop();
        },
      };
    },
  });
  const { result } = await run(scenario, { outDir, runId: 'hostile', alter });
  process.stdout.write(JSON.stringify({ result, fastest }));
  process.exit(0);
});
