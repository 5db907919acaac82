// @module-tag all
import { describeHosts } from '../../support/zoo/try-hosts.js';
import { zooHosts } from '../../support/zoo/zoo.js';

describeHosts(
  'open-vswitch',
  zooHosts().filter(({ takes }) => takes.includes('open-vswitch')),
);
