/* bmp_message.h - the frame of BMP: one message after the other out of a byte stream, and the
 * headers that they begin with.
 *
 * Place: between a connection (bmp_server.c) and bmp_station.c. Pure; borrows. Big endian. Sources:
 * RFC 7854 section 4, RFC 8671 (Adj-RIB-Out), RFC 9069 (Loc-RIB), RFC 9736 (TLVs of Peer Up). */
#ifndef BMP_MESSAGE_H
#define BMP_MESSAGE_H

#include "bytes.h"
#include "error_text.h"

#include <stdbool.h>
#include <stdint.h>

#define BMP_VERSION     3
#define BMP_HEADER_SIZE 6
/* A BGP message has at most 64 KiB; only mirrored ones and TLVs make it more. */
#define BMP_MESSAGE_LIMIT ((uint32_t)1 << 20)

enum bmp_type {
	BMP_ROUTE_MONITORING = 0,
	BMP_STATISTICS = 1,
	BMP_PEER_DOWN = 2,
	BMP_PEER_UP = 3,
	BMP_INITIATION = 4,
	BMP_TERMINATION = 5,
	BMP_ROUTE_MIRRORING = 6,
};

/* RFC 7854 section 4.2, RFC 9069 section 4.1 */
enum bmp_peer_type {
	BMP_PEER_global = 0,
	BMP_PEER_vrf = 1,
	BMP_PEER_local = 2, /* one of several instances without distinguisher */
	BMP_PEER_loc_rib = 3,
};

#define BMP_FLAG_POST_POLICY 0x40
#define BMP_FLAG_AS2         0x20 /* AS_PATH has AS numbers of 2 bytes */
#define BMP_FLAG_OUT         0x10 /* what the router sends to the peer: RFC 8671 */

/* What a peer is known by, as on the wire: whatever else of its header changes, it is this one. */
struct bmp_peer_name {
	uint8_t type;
	uint8_t distinguisher[8];
	uint8_t address[16]; /* IPv4 in the last 4 */
};

struct bmp_peer_header {
	struct bmp_peer_name name;
	uint8_t flags; /* of Loc-RIB: none that matter here */
	uint32_t as_number;
};

/* Bytes of the message that 'bytes' begin with; 0: more are needed to say so. Returns a negative
 * errno with 'error' filled if that is no BMP of version 3, or too long: the stream is lost then.
 */
int64_t bmp_message_size(const uint8_t *bytes, size_t size, struct error_text *error);

/* Take a header of a peer. Returns false if it is cut. */
bool bmp_peer_header_take(struct reader *reader, struct bmp_peer_header *header);

/* Take a TLV of Initiation, Termination or Peer Up. Returns false at the end, or where one is cut:
 * then the reader has failed. */
#define BMP_TLV_SYS_NAME 2
bool bmp_tlv_take(struct reader *reader, uint16_t *type, struct reader *value);

#endif
