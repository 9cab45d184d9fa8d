/* tcp_flags.h - tcpControlBits (6): bits of the flags in a TCP header, RFC 9293 section 3.1.
 *
 * Place: packet_info.tcp_flags and flow_record.tcp_flags are made of these. */
#ifndef TCP_FLAGS_H
#define TCP_FLAGS_H

enum tcp_flag {
	TCP_FLAG_FIN = 0x01,
	TCP_FLAG_SYN = 0x02,
	TCP_FLAG_RST = 0x04,
	TCP_FLAG_PSH = 0x08,
	TCP_FLAG_ACK = 0x10,
	TCP_FLAG_URG = 0x20,
	TCP_FLAG_ECE = 0x40,
	TCP_FLAG_CWR = 0x80,
};

/* One letter for each flag, from bit 0 up. */
#define TCP_FLAG_LETTERS "FSRPAUEC"

#endif
