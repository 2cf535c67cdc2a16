# shellcheck shell=bash
# The network: one namespace without a way out. All nodes share it; a bridge carries their addresses, since a node may not have a
# loopback address, and every node's pods are on a bridge of its own.

readonly NETNS=/run/netns/$ID
readonly NODE_NETWORK=10.99.0 SERVICE_CIDR=10.100.0.0/16 POD_CIDR=10.101.0.0/16
readonly HOST_IP=$NODE_NETWORK.1

# `ip netns exec` would mount another /sys, without the cgroups that kubelet needs.
inside() {
  nsenter --net="$NETNS" "$@"
}

start_network() {
  ip netns add "$ID"
  inside ip link set lo up
  inside ip link add nodes type bridge
  inside ip address add "$HOST_IP/24" dev nodes
  inside ip link set nodes up
  inside ip route add default dev nodes
  inside sysctl -qw net.ipv4.ip_forward=1
}

remove_network() {
  [[ ! -e $NETNS ]] || ip netns delete "$ID"
}

port_open() { # port_open HOST PORT
  inside bash -c "exec 3<>/dev/tcp/$1/$2"
}
