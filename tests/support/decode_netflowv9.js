// decode_netflowv9.js - NetFlow v5 and v9 read by the npm package node-netflowv9.
//
// Usage: NODE_PATH=DIR/node_modules node decode_netflowv9.js FILE
// FILE has one datagram per line in hexadecimal, all of one exporter and version. Prints one JSON
// object: datagrams, gaps (sequence numbers that were not those expected), flows as
// [source, destination, protocol, source port, destination port, tos, packets, bytes], summed up.
"use strict";

const fs = require("fs");
const Decoder = require("node-netflowv9");

const decoder = new Decoder({});
const sums = new Map();
const result = { datagrams: 0, gaps: 0, flows: [] };
let expected = null;

// The package gives IPv6 addresses as 32 hexadecimal digits.
function address(flow, ipv4, ipv6) {
    return flow[ipv4] === undefined ? flow[ipv6].match(/.{4}/g).join(":") : flow[ipv4];
}

function add(flow) {
    const ports = [flow.l4_src_port ?? flow.ipv4_src_port, flow.l4_dst_port ?? flow.ipv4_dst_port];
    const key = [
        address(flow, "ipv4_src_addr", "ipv6_src_addr"),
        address(flow, "ipv4_dst_addr", "ipv6_dst_addr"),
        flow.protocol, ...ports, flow.src_tos,
    ];
    const sum = sums.get(key.join()) ?? [...key, 0, 0];
    sum[6] += flow.in_pkts;
    sum[7] += flow.in_bytes;
    sums.set(key.join(), sum);
}

for (const line of fs.readFileSync(process.argv[2], "latin1").split("\n")) {
    if (!line)
        continue;
    const message = decoder.nfPktDecode(Buffer.from(line, "hex"), { address: "agent", port: 1, size: line.length / 2 });
    const flows = message.flows.filter((flow) => flow.in_pkts !== undefined);
    result.datagrams++;
    if (expected !== null && message.header.sequence !== expected)
        result.gaps++;
    expected = (message.header.sequence + (message.header.version === 5 ? message.flows.length : 1)) >>> 0;
    flows.forEach(add);
}
result.flows = [...sums.values()];
console.log(JSON.stringify(result));
decoder.server.close(); // the package has opened a socket
