# OVN: a logical switch with port security.
# takes: open-vswitch ovn
build() {
  open_vswitch
  export OVN_RUNDIR=/run/ovn OVN_LOGDIR=/run/ovn OVN_DBDIR=/run/ovn
  mkdir -p /run/ovn
  for name in nb sb; do
    ovsdb-tool create "/run/ovn/$name.db" "/usr/share/ovn/ovn-$name.ovsschema"
    ovsdb-server "/run/ovn/$name.db" "--remote=punix:/run/ovn/ovn${name}_db.sock" "--pidfile=/run/ovn/$name.pid" \
      "--unixctl=/run/ovn/$name.ctl" --detach --no-chdir "--log-file=/run/ovn/$name.log" -vconsole:off
  done
  export OVN_NB_DB=unix:/run/ovn/ovnnb_db.sock OVN_SB_DB=unix:/run/ovn/ovnsb_db.sock
  ovn-northd "--ovnnb-db=$OVN_NB_DB" "--ovnsb-db=$OVN_SB_DB" --pidfile=/run/ovn/northd.pid \
    --log-file=/run/ovn/northd.log --detach --no-chdir -vconsole:off
  ovs-vsctl --no-wait set open_vswitch . external_ids:system-id=host "external_ids:ovn-remote=$OVN_SB_DB" \
    external_ids:ovn-encap-type=geneve external_ids:ovn-encap-ip=127.0.0.1 external_ids:ovn-bridge-datapath-type=netdev
  ovn-controller unix:/run/openvswitch/db.sock --pidfile=/run/ovn/controller.pid --log-file=/run/ovn/controller.log \
    --detach --no-chdir -vconsole:off
  for n in $(seq 100); do ovs-vsctl br-exists br-int && break; sleep 0.1; done
  ovn-nbctl ls-add "$drawn_name"
  for i in 1 2 3 4; do
    mac=52:54:00:$drawn:0$i
    container "$guest$i" "v$number-$i" "$mac" "$net.1$i/24" -
    # the switch runs in user space, and does no checksums
    ip netns exec "$guest$i" ethtool -K eth0 tx off
    ovn-nbctl lsp-add "$drawn_name" "$drawn_name-$i" -- lsp-set-addresses "$drawn_name-$i" "$mac $net.1$i" \
      -- lsp-set-port-security "$drawn_name-$i" "$mac $net.1$i"
    ovs-vsctl add-port br-int "v$number-$i" -- set interface "v$number-$i" "external_ids:iface-id=$drawn_name-$i" \
      external_ids:iface-status=active "external_ids:attached-mac=\"$mac\""
    talks "$guest$i" "$net.1$(echo 2143 | cut -c "$i")"
  done
  ovn-nbctl --wait=hv sync
}

fault_mirror() {
  ovs-vsctl -- --id=@from get port "v$number-1" -- --id=@to get port "v$number-3" \
    -- --id=@mirror create mirror name=debug select-dst-port=@from select-src-port=@from output-port=@to \
    -- set bridge br-int mirrors=@mirror
}
cause_mirror='mirror'
