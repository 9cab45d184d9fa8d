// decode_wiregasm.js - NetFlow v5, v9 and IPFIX read by the npm package @goodtools/wiregasm.
//
// Usage: NODE_PATH=DIR/node_modules node decode_wiregasm.js CAPTURE FIRST-PORT-LAST-PORT [complaints]
// Prints one JSON object: datagrams, complaints (frames with an expert's remark, such as an unexpected sequence
// number, or malformed), and flows: {UDP port: [[source, destination, protocol, source port, destination port,
// tos, packets, bytes]]}, summed up; without flows if only complaints are asked for.
"use strict";

const fs = require("fs");
const path = require("path");

const directory = path.dirname(require.resolve("@goodtools/wiregasm/package.json")) + "/dist/";
const load = require(directory + "wiregasm.js");
const FIELDS = ["srcaddr", "srcaddrv6", "dstaddr", "dstaddrv6", "protocol", "srcport", "dstport", "tos", "packets",
    "octets"];

// [name, value] of a field, out of its display filter "cflow.octets == 40".
function field(node) {
    const found = /^cflow\.(\w+) == (.*)$/.exec(node.filter);
    return found ? [found[1], found[2]] : [null, null];
}

function* nodes(vector) {
    for (let i = 0; i < vector.size(); i++)
        yield vector.get(i);
}

// All flows below a node: "pdu 1/2" in v5, "Flow 1" in a set of the others.
function* flows(tree) {
    for (const node of nodes(tree)) {
        if (/^(pdu|Flow) \d/.test(node.label)) {
            const values = {};
            for (const child of nodes(node.tree)) {
                const [name, value] = field(child);
                if (FIELDS.includes(name))
                    values[name] = value;
            }
            if (values.octets !== undefined)
                yield values;
        } else {
            yield* flows(node.tree);
        }
    }
}

function add(sums, flow) {
    const key = [
        flow.srcaddr ?? flow.srcaddrv6, flow.dstaddr ?? flow.dstaddrv6,
        ...[flow.protocol, flow.srcport, flow.dstport, flow.tos].map(Number),
    ];
    const sum = sums.get(key.join()) ?? [...key, 0, 0];
    sum[6] += Number(flow.packets);
    sum[7] += Number(flow.octets);
    sums.set(key.join(), sum);
}

// Sums of one frame, under its UDP port.
function addFrame(ports, frame) {
    let port;
    for (const protocol of nodes(frame.tree)) {
        if (protocol.filter === "udp")
            for (const child of nodes(protocol.tree))
                port = /^udp\.dstport == (\d+)$/.exec(child.filter)?.[1] ?? port;
        if (protocol.filter !== "cflow")
            continue;
        if (!ports.has(port))
            ports.set(port, new Map());
        for (const flow of flows(protocol.tree))
            add(ports.get(port), flow);
    }
}

async function main() {
    const [capture, portRange, mode] = process.argv.slice(2);
    const quiet = () => {};
    const wireshark = await load({ locateFile: (name) => directory + name, print: quiet, printErr: quiet });
    wireshark.init();
    wireshark.setPref("cflow", "netflow.ports", portRange);
    wireshark.applyPreferences();
    wireshark.FS.writeFile("/uploads/capture", fs.readFileSync(capture));
    const session = new wireshark.DissectSession("/uploads/capture");
    const loaded = session.load();
    if (loaded.code !== 0)
        throw new Error(loaded.error);
    const count = (filter) => session.getFrames(filter, 0, 1).matched;
    const ports = new Map();
    const result = { datagrams: count("cflow"), complaints: count("cflow && (_ws.expert || _ws.malformed)") };
    if (mode !== "complaints") {
        for (let number = 1; number <= loaded.summary.packet_count; number++)
            addFrame(ports, session.getFrame(number));
        result.flows = Object.fromEntries([...ports].map(([port, sums]) => [port, [...sums.values()]]));
    }
    console.log(JSON.stringify(result));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
