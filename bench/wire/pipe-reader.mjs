// Reads a classic capture from stdin and prints how many packets it has: what a program that starts tcpdump would do.
let rest = Buffer.alloc(0);
let packets = 0;
let headed = false;
process.stdin.on('data', (chunk) => {
  const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  let at = 0;
  if (!headed && bytes.length >= 24) {
    headed = true;
    at = 24;
  }
  while (headed && at + 16 <= bytes.length) {
    const end = at + 16 + bytes.readUInt32LE(at + 8);
    if (end > bytes.length) break;
    packets += 1;
    at = end;
  }
  rest = bytes.subarray(at);
});
process.stdin.on('end', () => process.stdout.write(String(packets)));
process.on('SIGINT', () => undefined);
