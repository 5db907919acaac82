// @module-tag all
import { describeHosts } from '../../support/zoo/try-hosts.js';
import { zooHosts } from '../../support/zoo/zoo.js';

describeHosts(
  'managers',
  zooHosts().filter(({ takes }) => takes.length > 0 && !takes.includes('open-vswitch')),
);
