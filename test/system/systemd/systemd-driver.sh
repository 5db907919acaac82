#!/bin/bash
# What an administrator does by the unit's own instructions; one line `KEY VALUE` for each thing that systemd says of it.
cd /etc/verify-isolation || exit 1
run=verify-isolation-run@br0 watch=verify-isolation-watch.service
verify-isolation init --bridge br0 >br0.yml || exit 1
# the stranger's socket is trusted, by who holds it
sed -i 's/^  - name: /  - trust: [ { what: packet socket of perl, where: every interface, reason: it is ours, owner: ops } ]\n    name: /' br0.yml
echo "RUN=$PWD/br0.yml --approved $(verify-isolation plan --hash br0.yml)" >br0.conf

systemctl start "$run.service" 2>/dev/null
status=$?
echo "start $status"
[ $status = 0 ] || journalctl -o cat -u "$run.service" >&2
echo "run $(systemctl show --value -p Result -p ExecMainStatus "$run.service" | paste -sd ' ')"
evidence=$(echo /var/lib/verify-isolation/evidence/*/)
echo "root $(sha256sum "$evidence/SHA256SUMS" | cut -d ' ' -f 1)"
echo "journal $(journalctl -o cat --output-fields=VERIFY_ISOLATION_ROOT_HASH VERIFY_ISOLATION_SCENARIO_SHA256="$(sha256sum br0.yml | cut -d ' ' -f 1)")"
echo "last $(journalctl -o cat -u "$run.service" -t verify-isolation | grep -c '^left behind on br0: nothing (checked)$')"
echo "metrics $(grep -c '^verify_isolation_' /var/lib/verify-isolation/metrics/br0.prom | sed 's/^[1-9].*/some/')"
echo "nice $(systemctl show --value -p Nice "$run.service")"

# The packaged run: every guest of the host, whoever they are, within the limits
cp /opt/program/contrib/systemd/host.conf /opt/program/contrib/systemd/limits.yml .
echo 'packet socket of perl at every interface # it is ours' >trust
systemctl start verify-isolation-run@host.service 2>/dev/null
echo "host $(systemctl show --value -p Result -p ExecMainStatus verify-isolation-run@host.service | paste -sd ' ')"
[ "$(systemctl show --value -p ExecMainStatus verify-isolation-run@host.service)" = 0 ] || journalctl -o cat -u verify-isolation-run@host.service >&2
echo "modes $(stat -c %a /var/lib/verify-isolation/metrics/host.prom /var/lib/verify-isolation/evidence/*/ | sort -u | paste -sd ' ')"
sed -i 's/^frames: .*/frames: 10/' limits.yml
systemctl start verify-isolation-run@host.service 2>/dev/null
echo "beyond $(systemctl show --value -p Result -p ExecMainStatus verify-isolation-run@host.service | paste -sd ' ')"

# The timer starts it, here in a second instead of at night; the plan is not the one that was approved any more
echo "RUN=$PWD/br0.yml --approved $(printf '0%.0s' $(seq 64))" >br0.conf
mkdir -p /run/systemd/system/$run.timer.d
printf '[Timer]\nOnCalendar=\nRandomizedDelaySec=0\nOnActiveSec=1\nAccuracySec=100ms\n' >/run/systemd/system/$run.timer.d/soon.conf
systemctl daemon-reload
systemctl start "$run.timer"
for _ in $(seq 200); do
  [ "$(systemctl is-active "$run.service")" = failed ] && break
  sleep 0.1
done
echo "timer $(systemctl show --value -p Result -p ExecMainStatus "$run.service" | paste -sd ' ')"
systemctl stop "$run.timer"

systemctl start "$watch"
echo "watch $(systemctl is-active "$watch")"
ip link set dev br0 type bridge ageing_time 0
for _ in $(seq 100); do
  journalctl -o cat -u "$watch" | grep -q ageing_time && break
  sleep 0.1
done
echo "drift $(journalctl -o cat -u "$watch" | grep -c 'ageing_time')"
echo "fields $(journalctl -o cat --output-fields=VERIFY_ISOLATION_PLACE VERIFY_ISOLATION_DRIFT=setting-changed | sort -u | paste -sd ' ')"
systemctl stop "$watch"
echo "stopped $(systemctl show --value -p Result "$watch")"
