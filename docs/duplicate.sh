# Runs a command while two emulated hosts on the bridge br0 have the address 10.1.0.7: tapstack lab -- sh docs/duplicate.sh COMMAND
set -e
ip link add br0 type bridge
ip addr add 10.1.0.1/24 dev br0
ip link set br0 up
for tap in tap1 tap2; do
    tapstack tap create $tap
    ip link set $tap master br0
    tapstack host -q --tap $tap --address 10.1.0.7/24 --no-probe & hosts="$hosts $!"
done > hosts.log
trap 'kill $hosts; wait' EXIT
attempts=60
until tapstack arping -q -b -d -w 1 -I br0 10.1.0.7 2>&1 | grep -q 'two stations'; do
    attempts=$((attempts - 1))
    [ $attempts -gt 0 ] || { echo "no replies from two hosts on br0"; exit 2; }
    sleep 0.1
done
"$@"
