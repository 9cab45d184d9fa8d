/* capture.h - packet sources. Implementations: capture_<name>.c; list: capture_sources.def.
 *
 * Place: kernel or file -> packet_view -> worker. A source is owned by one worker thread. Each is
 * two halves: read a buffer, and parse that buffer (capture_<name>_parse.c), so that the parser is
 * tested without kernel and without root. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "error_text.h"
#include "flow_offload.h"
#include "packet.h"
#include "sampling.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A switch of a source that may not have been given. */
enum source_switch { SOURCE_SWITCH_default, SOURCE_SWITCH_on, SOURCE_SWITCH_off };

/* What a superpacket counts as, where the source knows its segments. */
enum source_packets { SOURCE_PACKETS_default, SOURCE_PACKETS_wire, SOURCE_PACKETS_as_seen };

#define SOURCE_FILTER_SIZE 1024 /* with the NUL after it */
#define SOURCE_LABEL_SIZE  32   /* with the NUL after it */
#define SOURCES_MAX        256  /* each is a thread */

/* One source as configured. Strings are owned by the configuration. */
struct source_config {
	const struct capture_type *type;
	char *name;  /* "nflog:40", "eth0", "/path/file.pcap", "-" */
	char **also; /* further names, read as one with the first */
	size_t also_count;
	char label[SOURCE_LABEL_SIZE];   /* the operator's word for it; "" if there is none */
	char filter[SOURCE_FILTER_SIZE]; /* words of libpcap; "": all packets */
	bool has_side;                   /* all its packets are of 'side', whatever the hook says */
	uint8_t side;                    /* enum flow_side */
	uint32_t input, output;          /* interfaces of all its packets; 0: as the source says */
	uint8_t wait;            /* enum source_switch: wait for it while it is away; default on */
	uint8_t promiscuous;     /* enum source_switch: of an interface; default off */
	uint8_t packets;         /* enum source_packets; default wire */
	uint16_t group;          /* of netfilter; where type->has_group */
	uint32_t mask;           /* of groups of the old netfilter log, bit N - 1 for group N */
	uint32_t snaplen;        /* bytes copied of each packet; 0: the source's default (128) */
	uint32_t offload;        /* packets after which a flow is counted by the source; 0: none */
	uint32_t receive_buffer; /* bytes of socket or ring buffer; 0: default (32 MiB) */
	struct sampling_choice sampling;
	bool takes_link_headers; /* not configured: the worker needs packet_view.link_header */
	bool takes_ttl;          /* likewise: it is told apart where a source counts */
	bool takes_microseconds; /* likewise: packet_view.microseconds, of files */
	/* Not configured: one for each view, filled by read() if the source knows it; the worker's,
	 * and 0 at first. NULL: nobody asks. */
	struct packet_owner *owners;
	uint32_t cpu; /* number + 1 of the CPU that its worker is bound to; 0: any */
};

/* What a source knows of itself. Counters since it was opened. */
struct capture_statistics {
	uint64_t packets_lost; /* in the kernel before we could read: NFULA_SEQ gaps, packet socket
				  drops. NFULA_SEQ shows them with the next packet */
	uint64_t overruns;     /* ENOBUFS reports: that, not how many, was lost */
	uint64_t messages;     /* reads that brought packets: netlink datagrams, blocks of a ring */
	uint64_t messages_truncated; /* reads that did not fit our buffer; should be 0 */
	uint64_t messages_malformed; /* netlink messages or attributes that could not be parsed */
	uint64_t packets_truncated;  /* packets longer than their copy: normal with a copy range.
					NFLOG: copies as long as the range asked for */
	uint64_t packets_unstamped;  /* packets without a kernel time stamp: time of receipt used */
	uint64_t packets_seen;       /* a program in the kernel: read + lost + foreign + waiting, in
					its ring or in slots of flows */
	uint64_t packets_foreign;    /* frames for other hosts, which it does not hand over */
	uint64_t packets_counted;    /* by a program in the kernel for their flows */
	uint64_t flows_counted;      /* that it counts now; the worker's, like the next */
	uint64_t packets_without_room; /* of flows that its table had no room for, and so read */
	bool is_loss_unknown; /* an overrun was reported, and no packet has come since that would
				 tell how many were lost */
	uint32_t receive_buffer_bytes; /* really got; 0 for files */
	uint32_t receive_buffer_wanted;
};

struct capture; /* opaque: each implementation has its own */

/* As in struct capture_statistics: packets that a program in the kernel has seen. It goes on from
 * agent to agent, and they all count together. */
struct capture_counts {
	uint64_t seen, foreign;
};

/* What a source leaves to the agent that comes after this one: packets that come in between wait in
 * it. */
struct capture_kept {
	int descriptor;                /* the source as the kernel knows it */
	bool has_sequence;             /* the next member is known */
	uint32_t next_sequence;        /* NFULA_SEQ of the next packet */
	bool is_loss_unknown;          /* as in struct capture_statistics */
	struct capture_counts counted; /* at that time */
	struct capture_counts more;    /* they are what the program says, and this, modulo 2^64 */
};

/* How far a source has come in what it has read: all that the next process needs to read it again
 * from there, if this one is killed. */
struct capture_position {
	uint32_t message; /* number of the message in memory */
	uint32_t offset;  /* of the next packet in it; what is before was given out */
	uint32_t next_sequence;
	bool is_sequence_unknown;
	bool is_loss_unknown;                /* as in struct capture_statistics */
	struct capture_counts counted, more; /* as in struct capture_kept */
};

/* Keys of a source that do not make sense for each type. The worker serves all others. */
enum capture_key {
	CAPTURE_KEY_ANY = 0,
	CAPTURE_KEY_SNAPLEN = 1,
	CAPTURE_KEY_BUFFER = 2,
	CAPTURE_KEY_WAIT = 4, /* makes sense for every live source: capture_source.h */
	CAPTURE_KEY_PROMISCUOUS = 8,
	CAPTURE_KEY_FILTER = 16,
	CAPTURE_KEY_PACKETS = 32,
	CAPTURE_KEY_OFFLOAD = 64,
};

/* A source that counts packets of some flows itself. All is asked by the worker. */
struct capture_offload_type {
	/* Where it does. False: it was not asked to. */
	bool (*config)(const struct capture *capture, struct flow_offload_config *config);
	/* Have the kernel do what a cycle says, which is valid until is_done() or wait() say that
	 * it is over. Takes a system call. */
	void (*begin)(struct capture *capture, const struct flow_offload_cycle *cycle);
	bool (*is_done)(struct capture *capture);
	void (*wait)(struct capture *capture);
	/* The key of a packet's flow, and its TTL if packets are told apart by that. Returns the
	 * key's size; 0: it is none that could be counted. */
	size_t (*key)(const struct capture *capture, const struct packet_view *view, uint8_t *key,
		      uint8_t *ttl);
};

struct capture_type {
	/* What the configuration asks. */
	const char *noun;    /* "file": for messages */
	const char *prefix;  /* of names, before what the command line says: "nflog:"; or "" */
	const char *section; /* which names a section of the file may have: "the name of an
				interface". NULL: none, the command line alone */
	unsigned int keys;   /* enum capture_key: those that may be said of it */
	bool has_commas;     /* in values: keys begin after a comma only with the name of one */
	bool has_rules;      /* the firewall's rules hand over packets: two may log the same ones,
				and one may hand them over singly */
	bool has_group;      /* to 'group', which the list of rules names: rules may go */
	bool has_segments;   /* views have segment_bytes */
	bool is_of_link;     /* link messages of the kernel say when it is there */
	uint64_t rights;     /* of rights.h: what open() takes */
	/* What it takes later: to be opened again and closed. NULL: the same if it is waited for or
	 * has rules, else none. */
	uint64_t (*rights_later)(const struct source_config *source);
	bool is_live; /* the clock is CLOCK_MONOTONIC; otherwise the packets' own time stamps, and
			 it is the only source, which several names may stand for */

	/* Source number 'index' of those that 'text' means on the command line ("40-43": four):
	 * name it (capture_name_set()), and fill in what else the text says. 'name' is NULL before.
	 * Returns 1, 0 if there are not this many, or a negative errno with 'error' saying what was
	 * expected. */
	int (*parse)(const char *text, size_t index, struct source_config *source,
		     struct error_text *error);
	/* Whether what is said of it goes together; NULL: always. Returns 0, or -EINVAL with
	 * 'error' filled: "KEY: what was expected". */
	int (*check)(const struct source_config *source, struct error_text *error);
	/* For --check-config: whether it could be opened, as far as that is seen without opening.
	 * NULL: a live source is waited for. Returns 0, or a negative errno with 'error' filled;
	 * -EOPNOTSUPP: the kernel cannot. */
	int (*check_access)(const struct source_config *source, struct error_text *error);

	/* What the worker asks. */
	/* Returns 0, or a negative errno with 'error' filled: what is wrong, and as a hint what to
	 * do. -ENODEV, -ENETDOWN and -EBUSY mean that it may be there later. */
	int (*open)(const struct source_config *config, struct capture **capture,
		    struct error_text *error);

	/* Next packets: up to 'capacity' views, borrowed until the next call. Never blocks, except
	 * on a disk. Returns how many (more than 0), 0 if there are none now (live, or a pipe:
	 * poll descriptor()), -ENODATA at the end of a file and after stop(), or another negative
	 * errno with 'error' filled: the source has failed, after all packets before the fault were
	 * returned. It can be closed and opened anew. */
	int (*read)(struct capture *capture, struct packet_view *views, size_t capacity,
		    struct error_text *error);

	/* Descriptor that becomes readable when there may be packets; -1 if read() never returns 0.
	 */
	int (*descriptor)(const struct capture *capture);

	/* The descriptor that stands for the source when it is kept for the next agent; NULL:
	 * descriptor(). */
	int (*stored)(const struct capture *capture);

	/* Begin an orderly end; NULL if the source needs none. From then on nothing new is taken
	 * from the kernel, and read() gives what was taken before, then -ENODATA. Call it once,
	 * then read() until it returns a negative value, without polling in between: that is within
	 * 200 ms plus the time that the packets themselves need. Packets that the kernel matched
	 * before the call are not lost, except what had not fit into its queue. */
	void (*stop)(struct capture *capture);

	/* Sources that outlive this process; NULL, all four, where that cannot be. */

	/* Continue with what an earlier agent has left, in place of open(). That agent may still
	 * run, and go on: nothing changes for it before begin(). The descriptor is taken in any
	 * case. Returns 0, or a negative errno with 'error' filled: then open() will work if the
	 * source is there. */
	int (*adopt)(const struct source_config *config, const struct capture_kept *kept,
		     struct capture **capture, struct error_text *error);
	/* It runs no more, if there was one: before the first read(). With 'is_continued' the
	 * configuration's settings take the place of its own; else what it has left in the kernel
	 * goes, if it is in the way. NULL: there is neither. */
	void (*begin)(struct capture *capture, bool is_continued);
	/* In place of stop(): read() gives what was taken from the kernel already, then -ENODATA.
	 * What comes from now on waits there for the next agent, also after close(); or for read(),
	 * if it is not held any more. */
	void (*hold)(struct capture *capture, bool is_held);
	/* What to leave: after that end. The descriptor is borrowed. */
	void (*keep)(const struct capture *capture, struct capture_kept *kept);
	/* Of what adopt() has refused, and in the place of which 'opened' is, or nothing (NULL):
	 * packets_lost that were not reported, with those that wait there and that 'opened' has not
	 * seen; packets_seen and packets_foreign as the program says. The descriptor is borrowed.
	 * NULL: nothing waits there. */
	void (*left)(const struct capture *opened, const struct capture_kept *kept,
		     struct capture_statistics *statistics);

	/* Sources whose messages can be read again after a kill. The others are NULL, and 0, where
	 * they cannot. */

	bool can_resume;
	size_t memory_size; /* into which they are received; 0: they stay in the kernel */
	/* Before the first read(), and before each position() is asked for: read into this memory,
	 * zeroed at first, which outlives the process; it is borrowed for life. Or, with 'is_noted'
	 * false, nobody will ask any more. */
	void (*use_memory)(struct capture *capture, bool is_noted, void *memory);
	/* Where the next read() begins. */
	void (*position)(const struct capture *capture, struct capture_position *position);
	/* Begin there, in what a process that was killed has left in the memory; or with what that
	 * has received since. Returns whether that is there; else nothing has changed. */
	bool (*resume)(struct capture *capture, const struct capture_position *position);

	const struct capture_offload_type *offload; /* NULL: it counts nothing itself */

	/* Somebody asks for statistics() now: have those of this moment. Not between position() and
	 * the read() after it. NULL: they always are. */
	void (*refresh)(const struct capture *capture);
	void (*statistics)(struct capture *capture, struct capture_statistics *statistics);
	void (*close)(struct capture *capture);
};

/* The capabilities of rights.h that a source takes after its first opening. */
uint64_t capture_rights_later(const struct source_config *source);

/* Give a source its name. Returns 1, or -ENOMEM with 'error' filled. */
int capture_name_set(struct source_config *source, struct error_text *error, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

#endif
