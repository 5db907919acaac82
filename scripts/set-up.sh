#!/bin/sh
# Brings everything that `npm start` and `npm test` need, then gets out of the way: system packages, npm packages, the build.
# Needs nothing but Node and git; does nothing the second time. Usage: set-up.sh run|test
# (and `set-up.sh for-some-tests`, by which it starts itself beside the rest).
set -u
for_what=${1:-run}
cd "$(dirname "$0")/.." || exit 70
# Debian keeps bridge, tc and ldconfig where an ordinary user's PATH does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
log=$(mktemp) || exit 70
own_policy=''
beside=''
trap 'wait $beside; rm -f "$log" ${own_policy:+"$own_policy"}' EXIT
trap 'exit 130' INT TERM

say() { printf 'set-up: %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
stop() { say "$1"; shift; for line in "$@"; do printf '        %s\n' "$line" >&2; done; exit 69; }

# Runs a step with its output in the log, which is shown only if the step fails.
step() {
  say "$1 …"; shift
  "$@" >"$log" 2>&1 </dev/null && return 0
  status=$?
  tail -n 40 "$log" >&2
  return "$status"
}

has_library() {
  ldconfig -p 2>/dev/null | grep -q 'libpcap\.so\.' && return 0
  for file in /usr/lib/libpcap.so.* /usr/lib64/libpcap.so.* /lib/libpcap.so.* /usr/lib/*/libpcap.so.*; do [ -e "$file" ] && return 0; done
  return 1
}
has_headers() {
  for file in /usr/include/pcap.h /usr/include/pcap/pcap.h /usr/include/*/pcap.h; do [ -e "$file" ] && return 0; done
  return 1
}

# What is missing, in words that `package_of` turns into each distribution's package names.
missing_required() {
  { has ip && has bridge && has tc; } || echo iproute2
  { has unshare && has setpriv && has nsenter; } || echo util-linux
  has ping || echo ping
  has nft || echo nftables
  has sysctl || echo procps
  has_library || echo libpcap
  [ "$for_what" = test ] || return 0
  has tshark || echo tshark
  has tcpdump || echo tcpdump
  has ssh-keygen || echo ssh-keygen
  has man || echo man-db
  # a package of its own on Debian only; elsewhere the tests of the alert rules are skipped
  has promtool || ! has apt-get || echo promtool
  # programs that read the reports, and shells and a terminal to try them in: likewise
  if has apt-get; then
    for program in junitparser cmark-gfm zsh tmux; do has "$program" || echo "$program"; done
  fi
  has virsh || echo virsh
  # root alone can boot it for the tests of contrib/systemd; elsewhere they are skipped
  [ "$(id -u)" != 0 ] || ! has apt-get || [ -e /usr/lib/systemd/systemd ] || echo systemd
}
# What only the capture engine `cap` needs, which is built from source.
missing_for_cap() {
  has gcc || has cc || echo gcc
  has g++ || has c++ || echo g++
  has make || echo make
  has python3 || echo python3
  has_headers || echo libpcap-headers
}

# package_of MANAGER THING
package_of() {
  case $1/$2 in
    apt/ssh-keygen) echo openssh-client ;; dnf/ssh-keygen | zypper/ssh-keygen) echo openssh-clients ;; pacman/ssh-keygen) echo openssh ;; apk/ssh-keygen) echo openssh-keygen ;;
    apt/virsh) echo libvirt-clients ;; dnf/virsh | zypper/virsh) echo libvirt-client ;; pacman/virsh) echo libvirt ;; apk/virsh) echo libvirt-client ;;
    zypper/man-db) echo man ;; apk/man-db) echo mandoc ;;
    apt/ping) echo iputils-ping ;; apt/libpcap) echo libpcap0.8 ;; apt/libpcap-headers) echo libpcap-dev ;;
    dnf/procps | pacman/procps) echo procps-ng ;;
    dnf/iproute2) echo iproute iproute-tc ;; dnf/ping) echo iputils ;; dnf/g++) echo gcc-c++ ;;
    dnf/libpcap-headers) echo libpcap-devel ;; dnf/tshark) echo wireshark-cli ;;
    pacman/ping) echo iputils ;; pacman/g++) echo gcc ;; pacman/python3) echo python ;; pacman/libpcap-headers) echo libpcap ;;
    pacman/tshark) echo wireshark-cli ;;
    zypper/ping) echo iputils ;; zypper/libpcap) echo libpcap1 ;; zypper/g++) echo gcc-c++ ;;
    zypper/libpcap-headers) echo libpcap-devel ;; zypper/tshark) echo wireshark ;;
    apk/ping) echo iputils-ping ;; apk/util-linux) echo util-linux util-linux-misc setpriv ;; apk/gcc) echo gcc musl-dev ;;
    apk/libpcap-headers) echo libpcap-dev linux-headers ;; apk/iproute2) echo iproute2 iproute2-tc ;;
    *) echo "$2" ;;
  esac
}
packages_of() {
  manager=$1; shift
  names=''
  for thing in "$@"; do names="$names $(package_of "$manager" "$thing")"; done
  # shellcheck disable=SC2086 -- one word a line
  printf '%s\n' $names | sort -u | tr '\n' ' ' | sed 's/ $//'
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
# noninteractive answers tshark's question about capturing as a user with its default, no.
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@"; }
apt_install() {
  # shellcheck disable=SC2086 -- a list of package names
  apt_get install -y -q --no-install-recommends $1 && return 0
  apt_get update -q || echo 'apt-get update failed'
  # shellcheck disable=SC2086
  apt_get install -y -q --no-install-recommends $1
}

may_install() { has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }; }

# Daemons for tests that root alone can run and that start their own: the packages are to leave none running. Arguments: package, what is without it skipped.
install_without_daemon() {
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    own_policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$own_policy" && chmod 755 "$own_policy"
  fi
  step "Debian package: $1" apt_install "$1" || say "not installed: $1. The tests of $2 will be skipped."
  [ -z "$own_policy" ] || rm -f "$own_policy"
  own_policy=''
}

# Large packages for a few tests, which are skipped without them, and said so: not a reason to ask somebody for root's rights.
packages_for_some_tests() {
  may_install || return 0
  has chromium || step 'Debian package: chromium' apt_install chromium || say 'not installed: chromium. The tests of the HTML report in a browser will be skipped.'
  [ "$(id -u)" = 0 ] || return 0
  if ! has ovs-vswitchd; then
    install_without_daemon openvswitch-switch 'Open vSwitch'
    ! has systemctl || systemctl disable openvswitch-switch >/dev/null 2>&1
  fi
  if ! has sshd; then
    install_without_daemon openssh-server 'several hosts'
    ! has systemctl || systemctl disable ssh ssh.socket >/dev/null 2>&1
  fi
  ! has apt-get || node scripts/managers.mjs --there || step 'Debian packages of guest managers, unpacked below ~/.cache' node scripts/managers.mjs || say 'not unpacked. The tests of Docker, Podman, Incus and libvirt will be skipped.'
  has ansible-playbook || step 'Debian package: ansible-core' apt_install ansible-core || say 'not installed: ansible-core. The tests of contrib/ansible will be skipped.'
}

system_packages() {
  required=$(missing_required)
  for_cap=''
  cap_loads || for_cap=$(missing_for_cap)
  [ -n "$required$for_cap" ] || return 0
  # shellcheck disable=SC2086 -- lists of words
  if has apt-get; then
    packages=$(packages_of apt $required $for_cap)
    if may_install; then
      step "Debian packages: $packages" apt_install "$packages" && return 0
      required=$(missing_required)
      [ -n "$required" ] && stop 'these packages could not be installed. With a working network and package sources, run' \
        "apt-get update && apt-get install $(packages_of apt $required)"
      return 0
    fi
    command="sudo apt-get update && sudo apt-get install $packages"
  else
    command=''
    for manager in dnf pacman zypper apk; do
      has "$manager" || continue
      names=$(packages_of "$manager" $required $for_cap)
      case $manager in
        pacman) command="sudo pacman -S --needed $names" ;;
        apk) command="sudo apk add $names" ;;
        *) command="sudo $manager install $names" ;;
      esac
      break
    done
    [ -n "$command" ] || command="install, under the names your distribution gives them: $(echo $required $for_cap)"
  fi
  # shellcheck disable=SC2086
  [ -n "$required" ] && stop "missing on this machine: $(echo $required $for_cap). Install them, then start again:" "$command"
  # shellcheck disable=SC2086
  say "not built without $(echo $for_cap): the capture engine cap. The engine libpcap serves instead. To have both: $command"
}

cap_loads() { [ -d node_modules/cap ] && node -e 'require("cap")' >/dev/null 2>&1; }

# 0 if node_modules holds what the lockfile asks for; optional packages may be absent.
packages_match() {
  node -e '
    const read = (file) => JSON.parse(require("node:fs").readFileSync(file, "utf8")).packages;
    const wanted = read("package-lock.json"), there = read("node_modules/.package-lock.json");
    for (const [path, want] of Object.entries(wanted)) {
      if (path === "") continue;
      const have = there[path];
      if (have === undefined ? !want.optional : have.version !== want.version) process.exit(1);
      if (have !== undefined && !require("node:fs").existsSync(path)) process.exit(1);
    }' 2>/dev/null
}

npm_packages() {
  # node-gyp would download the headers of this Node; where they came with it, they are used as they are.
  prefix=$(dirname "$(dirname "$(node -p 'process.execPath')")")
  if [ -z "${npm_config_nodedir:-}" ] && [ -e "$prefix/include/node/node.h" ]; then npm_config_nodedir=$prefix; export npm_config_nodedir; fi
  tried=node_modules/.cap-did-not-build
  # One attempt to build cap for each Node and each set of build tools, not one a start.
  # shellcheck disable=SC2046 -- one line
  attempt=$(echo "$(node -v)" $(missing_for_cap))
  if packages_match; then
    cap_loads && return 0
    [ "$(cat "$tried" 2>/dev/null)" = "$attempt" ] && return 0
  fi
  step 'npm packages, and the capture engine cap from source' npm ci --no-audit --no-fund --include=dev --include=optional || {
    say 'npm ci failed; its output is above.'; exit 69
  }
  cap_loads && return 0
  printf '%s\n' "$attempt" >"$tried"
  say '*** The capture engine cap did not build. It is optional: the engine libpcap serves instead. ***'
  say '*** To see why: npm rebuild cap --foreground-scripts ***'
}

build() {
  node scripts/is-built.mjs && return 0
  step 'build' node scripts/build.mjs || { say 'the build failed; its output is above.'; exit 70; }
}

case $(node -p 'const [a, b] = process.versions.node.split(".").map(Number); a > 20 || (a === 20 && b >= 19)') in
  true) ;;
  *) stop "Node $(node -v) is too old: 20.19 or newer is needed." ;;
esac
[ "$(uname -s)" = Linux ] || stop 'Linux is needed: the bridge under test is the Linux kernel'"'"'s.'
if [ "$for_what" = for-some-tests ]; then packages_for_some_tests; exit 0; fi
system_packages
# They take as long as npm's packages and the build together.
if [ "$for_what" = test ]; then sh scripts/set-up.sh for-some-tests & beside=$!; fi
npm_packages
build
