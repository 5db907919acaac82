// Starts the relay that an endpoint behind the bridge has, says its pid, and ends it when stdin closes.
import { startRelay } from '../../../build/system/traffic/relay-client.js';

const relay = await startRelay({
  bridge: 'br0',
  device: process.argv[2],
  macs: ['00:0c:29:aa:bb:cc'],
  everything: false,
});
console.log(`relaying ${relay.pid}`);
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
await relay.stop();
