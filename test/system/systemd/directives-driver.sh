#!/bin/bash
# Closes what the unit of a run leaves open, one directive after the other, and says what a run then comes to: a line `NAME STATUS FACTS`. FACTS are who
# its helpers were, who held the stranger's packet socket, and whether the process that judges was shut in.
cd /etc/verify-isolation || exit 1
run=verify-isolation-run@br0.service
verify-isolation init --bridge br0 >br0.yml || exit 1
# the stranger's socket is trusted, by who holds it
sed -i 's/^  - name: /  - trust: [ { what: packet socket of perl, where: every interface, reason: it is ours, owner: ops } ]\n    name: /' br0.yml
echo "RUN=$PWD/br0.yml --approved $(verify-isolation plan --hash br0.yml)" >br0.conf
closed=/run/systemd/system/$run.d/closed.conf
mkdir -p "${closed%/*}"

# Whether the folder of a run becomes the root of a process
watch_judge() {
  while sleep 0.02; do
    for process in /proc/[0-9]*; do
      case $(readlink "$process/root" 2>/dev/null) in */evidence/*) echo "judge:enclosed" >/run/judge ;; esac
    done
  done
}

try() {
  printf '%s\n' '[Service]' "${@:2}" >"$closed"
  systemctl daemon-reload
  rm -rf /run/judge /var/lib/verify-isolation/evidence
  watch_judge &
  judge=$!
  systemctl start "$run" 2>/dev/null
  kill "$judge"
  wait "$judge" 2>/dev/null
  evidence=$(echo /var/lib/verify-isolation/evidence/*/)
  uids=$(grep -ho '"event":"sealed","uid":[0-9]*' "$evidence/timeline.ndjson" 2>/dev/null | sed 's/.*://' | sort -u | awk '{ print ($1 >= 1879048192 ? "own" : $1) }' | sort -u | paste -sd ,)
  names=$(grep -ho '"name": *"perl"' "$evidence"/state/*.json 2>/dev/null | sort -u | cut -d '"' -f 4)
  echo "$1 $(systemctl show --value -p ExecMainStatus "$run") helpers:$uids watcher:$names $(cat /run/judge 2>/dev/null)"
  systemctl reset-failed "$run" 2>/dev/null
}

# The same with a helper that is stopped when it is sealed: whether the run ends in spite of it
stop_helper() {
  while sleep 0.01; do
    for process in $(grep -lsa 'helper.cjs.capture' /proc/[0-9]*/cmdline); do
      [ "$(grep -cE '^(Uid:.[1-9]|Seccomp:.2)' "${process%/cmdline}/status" 2>/dev/null)" = 2 ] || continue
      process=${process%/cmdline}
      kill -STOP "${process##*/}" 2>/dev/null && return
    done
  done
}
try_stopped() {
  printf '%s\n' '[Service]' "${@:2}" >"$closed"
  systemctl daemon-reload
  stop_helper &
  timeout 45 systemctl start "$run" 2>/dev/null
  echo "stopped-helper:$1 $(systemctl is-active "$run")"
  systemctl kill --signal KILL "$run" 2>/dev/null
  wait %% 2>/dev/null
  while [ "$(systemctl is-active "$run")" = deactivating ] || [ "$(systemctl is-active "$run")" = activating ]; do sleep 0.1; done
  systemctl reset-failed "$run" 2>/dev/null
}

try nothing
for capability in NET_ADMIN NET_RAW SYS_ADMIN SETPCAP SETUID SETGID SYS_CHROOT SYS_PTRACE; do
  try "CAP_$capability" "CapabilityBoundingSet=~CAP_$capability"
done
for kind in net mnt pid; do try "namespaces-$kind" "RestrictNamespaces=~$kind"; done
for family in NETLINK PACKET UNIX; do try "AF_$family" "RestrictAddressFamilies=~AF_$family"; done
for calls in privileged mount; do try "@$calls" "SystemCallFilter=~@$calls"; done
for directive in MemoryDenyWriteExecute=yes ProcSubset=pid PrivateNetwork=yes PrivateUsers=yes DynamicUser=yes ReadWritePaths=; do
  try "${directive%=*}" "$directive"
done
try_stopped nothing
echo "done"
