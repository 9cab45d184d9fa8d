/* message_set.h - the sets that messages of NetFlow v9 and IPFIX are made of, and what both write
 * alike: RFC 3954 section 5 (FlowSets), RFC 7011 section 3.3.
 *
 * Place: inside the encoders that have templates. Every set begins and ends at a multiple of 4
 * bytes, so a message whose buffer is a multiple of 4 never lacks room for its padding. */
#ifndef MESSAGE_SET_H
#define MESSAGE_SET_H

#include "encoder.h"

enum {
	MESSAGE_SET_HEADER_SIZE = 4,
	MESSAGE_SET_SPECIFIER_SIZE = 4, /* id and length of a field */
	MESSAGE_SET_STATISTIC_SIZE = 8,
};

/* Id and length of one field of an options template. */
struct message_set_specifier {
	uint16_t id;
	uint16_t size;
};

/* Leave room for the message's header; no set is open. A last partial word of the buffer is given
 * up: padding would not fit there. */
void message_set_begin(struct message *message, size_t header_size);

/* Bytes that may still be used. */
size_t message_set_bytes_left(const struct message *message);

/* Make sure that set 'set_id' is open and has room for 'size' bytes. Returns false with the message
 * unchanged if there is none. */
bool message_set_open(struct message *message, uint16_t set_id, size_t size);
/* Pad the open set, if there is one, with zeros and store its length. */
void message_set_close(struct message *message);
/* The same for a set with one options data record, which is counted. */
void message_set_close_data(struct message *message);

/* Whether an options template goes with the data templates, by its id. */
bool message_set_has_options(const struct template_set *templates, uint16_t id);
/* How many data templates there are, and number 'number' of them; an alias is not announced. */
size_t message_set_template_count(const struct template_set *templates);
const struct template *message_set_template(const struct template_set *templates, size_t number);
/* Add data templates from number '*next' on, in one set, id 'set_id', as struct encoder_type's
 * add_templates says. */
int message_set_add_templates(struct message *message, uint16_t set_id,
			      const struct template_set *templates, size_t *next);

/* Write id and length of fields. */
void message_set_specifiers(struct writer *writer, const struct message_set_specifier *fields,
			    size_t count);

/* samplingAlgorithm (35) and samplerMode (49) of a method. */
uint8_t message_set_sampling_mode(enum sampling_method method);

/* The implementations of struct encoder_type's functions of these names that suit both. */
int message_set_add_record(struct message *message, const struct template_set *templates,
			   const struct export_record *record);
int message_set_add_biflow(struct message *message, const struct template_set *templates,
			   const struct export_record *forward,
			   const struct export_record *reverse);
int message_set_add_statistics(struct message *message, const struct export_statistics *statistics,
			       uint32_t source_id);

/* Which fields add_statistics writes after its scope of 4 bytes. */
#define MESSAGE_SET_STATISTICS_COUNT 12
extern const struct message_set_specifier message_set_statistics[MESSAGE_SET_STATISTICS_COUNT];

#endif
