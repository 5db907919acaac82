import { fileURLToPath } from 'node:url';
import { compile } from '../frame/compile.mjs';
import { inside } from '../frame/inside.mjs';
import { install } from '../frame/install.mjs';
import { median, spread } from '../frame/median.mjs';

export const title = 'Sending frames of 60 bytes on one veth';
export const about =
  'A million frames, as fast as each can; counted where they arrive. Peer: trafgen of netsniff-ng on one processor. The programs are timed from start to exit; the helper from the first message to the last answer, with the processor time of both ends of its pipe.';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

export function measure({ scratch, rounds }) {
  const missing = install({ trafgen: 'netsniff-ng', tcpreplay: 'tcpreplay' });
  const reported = inside(
    path('sending-inside.mjs'),
    compile(path('flood.c'), scratch),
    scratch,
    rounds,
    missing.length === 0 ? 'none' : missing.join(','),
  );
  const names = [...new Set(reported.map(({ name }) => name))];
  const rate = (one) => one.sent / one.seconds;
  const peer = median(reported.filter(({ name, missing: absent }) => name === names[0] && absent !== true).map(rate));
  return names.map((name) => {
    const own = reported.filter((one) => one.name === name);
    if (own[0].missing) return { what: name, 'frames/s': 'not installed' };
    return {
      what: name,
      frames: Math.min(...own.map(({ sent }) => sent)).toLocaleString('en-US'),
      'frames/s': Math.round(median(own.map(rate))).toLocaleString('en-US'),
      'least–most s': spread(own.map(({ seconds }) => seconds)),
      'processor s': median(own.map(({ processor }) => processor)).toFixed(2),
      'frames/s / peer': (median(own.map(rate)) / peer).toFixed(2),
    };
  });
}
