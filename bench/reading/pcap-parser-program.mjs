// Reads a capture with the npm package pcap-parser alone.
import { parse } from 'pcap-parser';
import { printPeak } from '../frame/peak.mjs';

printPeak();
let packets = 0;
let bytes = 0;
parse(process.argv[2])
  .on('packet', ({ data }) => {
    packets += 1;
    bytes += data.length;
  })
  .on('end', () => console.log(packets, bytes));
