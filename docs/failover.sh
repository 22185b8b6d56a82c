# Replaces a host on the bridge br0 with another host with the same address: tapstack lab -- sh docs/failover.sh
set -e
ip link add br0 type bridge
ip link set br0 up
ip link add kernel0 type veth peer name port0
ip link set port0 master br0 up
ip link set kernel0 up
ip addr add 10.1.0.1/24 dev kernel0
for tap in tap1 tap2; do
    tapstack tap create $tap
    ip link set $tap master br0
done > taps.log

tapstack host -q --tap tap1 --address 10.1.0.111/24 --mac 02:00:00:00:00:0a --no-probe > first.log &
host=$!
trap 'kill $host 2> /dev/null || true' EXIT
# A bridge port forwards frames only some time after its creation.
tapstack arping -q -f -w 20 -I kernel0 10.1.0.111
ping -c 1 -q 10.1.0.111 | grep -o '.* received'
ip neigh show 10.1.0.111 dev kernel0
kill $host
wait $host

tapstack host -q --tap tap2 --address 10.1.0.111/24 --mac 02:00:00:00:00:0b --no-probe --announce > second.log &
host=$!
attempts=100
until ip neigh show 10.1.0.111 dev kernel0 | grep 02:00:00:00:00:0b; do
    attempts=$((attempts - 1))
    [ $attempts -gt 0 ] || { echo "the entry did not follow the announcement"; exit 1; }
    sleep 0.1
done
ping -c 1 -q 10.1.0.111 | grep -o '.* received'
kill $host
wait $host
