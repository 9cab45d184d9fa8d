/* asn_builder.h - prefixes in any order -> the image of an AS table (asn_table.h).
 *
 * One way for every source: text of a networks_file (asn_file.h), routing tables, databases. Use:
 * create, add each prefix, finish, destroy. Takes about 28 bytes a prefix while they are added, and
 * twice that for a moment while it grows and at the end. */
#ifndef ASN_BUILDER_H
#define ASN_BUILDER_H

#include "address.h"
#include "asn_table.h"

struct asn_builder; /* opaque: defined in asn_builder.c */

/* What goes into the table beside its prefixes. */
struct asn_build_facts {
	int64_t created_s;   /* Unix time at which the table is made */
	const char *source;  /* what it is made of: a file's name, say; cut to 63 bytes; NULL: "" */
	uint32_t peer_count; /* that the source has in all; 0: not known */
};

/* What the builder found out. */
struct asn_build_report {
	size_t duplicates; /* prefixes that were there already, whatever they say */
	size_t conflicts;  /* of those, prefixes that had another origin before */
	/* One of the conflicts, if there are any: of the lowest address, IPv4 first. */
	struct prefix conflict;
	uint32_t conflict_as[2]; /* the origin that lost, and the one that is in the table */
};

/* Bytes of a table, to be written to a file or given to asn_table_open(). */
struct asn_image {
	void *bytes; /* owned: free with asn_image_release() */
	size_t size;
};

struct asn_builder *asn_builder_create(void);
void asn_builder_destroy(struct asn_builder *builder);

/* Add a prefix of entry->prefix_length bits; host bits of 'address' must be 0. ip_version is 4 or
 * 6; 'entry' is copied. A prefix added twice: the last one wins. Returns 0, -EINVAL, -ENOMEM, or
 * -EOVERFLOW: more than 16,777,215 different routes. Amortized O(1). */
int asn_builder_add(struct asn_builder *builder, uint8_t ip_version, const uint8_t *address,
		    const struct asn_entry *entry);

/* Give an AS number a name, cut to ASN_NAME_SIZE - 1 bytes; of several the last one counts. It need
 * not be in the table. Returns 0 or -ENOMEM. */
int asn_builder_name(struct asn_builder *builder, uint32_t as_number, const char *name);

/* How many were added so far; duplicates count. */
size_t asn_builder_added(const struct asn_builder *builder);

/* Visit each prefix that will be in the table, by family, address and length; 'entry' and 'prefix'
 * are valid during the call. Nothing may be added after it. Ends with what 'visit' returns if that
 * is not 0. */
int asn_builder_each(struct asn_builder *builder,
		     int (*visit)(void *context, const struct prefix *prefix,
				  const struct asn_entry *entry),
		     void *context);

/* Make the image. 'report' is filled, NULL: not wanted. The builder can only be destroyed after it.
 * Returns 0 or -ENOMEM. */
int asn_builder_finish(struct asn_builder *builder, const struct asn_build_facts *facts,
		       struct asn_image *image, struct asn_build_report *report);

/* For asn_table_open(), too. */
void asn_image_release(void *bytes, size_t size);

/* All at once: finish, and open what came of it. Returns the table, owned by the caller, or NULL
 * with 'error' filled. */
struct asn_table *asn_builder_table(struct asn_builder *builder, const char *name,
				    const struct asn_build_facts *facts,
				    struct asn_build_report *report, struct error_text *error);

#endif
