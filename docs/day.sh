#!/bin/sh
# A day of network work with tapstack: each job reads exit codes and JSON only.
#
# Usage: unshare -n sh docs/day.sh
#
# The script needs tapstack, ip and jq, and a network namespace of its own: it creates the interfaces day0 and day1. The
# capture docs/sample.pcapng is in the current directory. The script exits with 1 at the first job with another result.
set -eu

# Runs a command, and requires this exit code. The output of the command is in the file `out`.
expect() {
    expected=$1
    shift
    code=0
    "$@" > out 2> errors || code=$?
    if [ "$code" -ne "$expected" ]; then
        echo "exit code $code instead of $expected: $*"
        cat out errors
        exit 1
    fi
}

# Requires that the JSON objects in the file `out`, as an array, fulfill a condition of jq.
check() {
    jq --slurp --exit-status "$1" out > condition || { echo "not fulfilled: $1"; cat out; exit 1; }
}

# Starts a host in the background, and waits until it is ready. Its process ID is in the variable `host`.
start() {
    rm -f ready
    mkfifo ready
    tapstack host -I day1 -q "$@" > ready &
    host=$!
    # The descriptor stays open, so the host can print its counters at the end.
    exec 3< ready
    read -r line <&3
}

ip link add day0 type veth peer name day1
ip link set day1 up
ip link set day0 up
ip addr add 10.1.4.1/21 dev day0
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT

echo "emulate 1,024 hosts"
start --hosts 10.1.0.0/22 --mac-base 02:00:00:00:00:00
many=$host
exec 4<&3

echo "is an address free?"
expect 0 tapstack arping -q -D 10.1.5.9
expect 1 tapstack arping -q -D 10.1.0.9

echo "who has an address?"
expect 0 tapstack arping --json -c 1 -w 10 10.1.0.9
check 'any(.[]; .event == "reply" and .mac == "02:00:00:00:00:09")'
expect 1 tapstack arping --json -c 1 10.1.5.9
check '.[-1].outcome == "no_reply"'

echo "scan, save and compare"
expect 0 tapstack scan --rate 20000 --json -o monday.json 10.1.0.0/24 --exclude 10.1.0.128-255
expect 0 tapstack scan --rate 20000 --json --compare monday.json 10.1.0.0-127
check '.[-1].differences == 0 and .[-1].answered == 128'
expect 0 tapstack ip addr del 10.1.0.7 dev day1
expect 1 tapstack scan --rate 20000 --json --compare monday.json 10.1.0.0-127
check '[.[] | select(.event == "gone").ip] == ["10.1.0.7"]'

echo "do two stations use one address?"
expect 0 tapstack arping -q --fail-on conflict -c 1 10.1.0.9
start --address 10.1.0.9/21 --mac 02:00:00:00:99:99 --no-probe
expect 1 tapstack arping -q --fail-on conflict -b -c 2 -i 0.5 10.1.0.9
expect 1 tapstack scan --json --fail-on conflict -r 1 10.1.0.0-15
check 'any(.[]; .event == "reply" and .ip == "10.1.0.9" and .other_mac != null)'
kill "$host"
wait "$host" || true

echo "watch the network"
tapstack watch -I day0 -w 2 --json --fail-on conflict > out &
watch=$!
expect 0 tapstack arping -q -c 3 -i 0.3 10.1.0.20
wait "$watch"

echo "move an address to another station"
expect 0 tapstack arping -q -U -c 1 10.1.5.111
start --address 10.1.5.111/21 --mac 02:00:00:00:01:11 --no-probe --announce
expect 0 tapstack arping --json -c 1 -w 10 10.1.5.111
check 'any(.[]; .event == "reply" and .mac == "02:00:00:00:01:11")'
kill "$host"
wait "$host"

echo "find the invalid frames of a capture"
expect 1 tapstack decode --json docs/sample.pcapng
check '[.[] | select(.faults != null and .faults != []).number] == [27, 28]'
expect 1 tapstack watch --json --fail-on conflict docs/sample.pcapng
check 'any(.[]; .event == "conflict" and .ip == "10.0.0.7")'

echo "run a test in CI"
expect 0 tapstack lab -- true
expect 7 tapstack lab -- sh -c 'exit 7'
expect 127 tapstack lab -- no-such-command

kill "$many"
wait "$many"
echo "done"
