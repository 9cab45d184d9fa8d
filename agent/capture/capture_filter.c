/* capture_filter.c - libpcap's filters on packets of a file, and for the kernel.
 *
 * Invariant: one program for each link type, compiled once. */
#include "capture_filter.h"

#include "capture_pcap_format.h"
#include "log.h"

#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define LINK_TYPES 16
#define LENGTH_MAX 65535 /* of a packet, for programs that return how much to keep */

struct program {
	struct bpf_program code; /* owned; valid with 'is_compiled' */
	uint8_t link;
	bool is_compiled; /* else no packet of this link type matches */
};

struct capture_filter {
	char *words; /* owned */
	struct program programs[LINK_TYPES];
	size_t count;
};

static int compile(const char *words, int type, struct bpf_program *code, struct error_text *error)
{
	pcap_t *handle = pcap_open_dead(type, LENGTH_MAX);
	int result = -EINVAL;

	if (!handle) {
		error_text_set(error, "no memory");
		return -ENOMEM;
	}
	if (pcap_compile(handle, code, words, 1, PCAP_NETMASK_UNKNOWN) == 0)
		result = 0;
	else
		error_text_set(error, "\"%.100s\": %.200s", words, pcap_geterr(handle));
	pcap_close(handle);
	return result;
}

int capture_filter_check(const char *words, struct error_text *error)
{
	struct bpf_program code;
	const int result = compile(words, DLT_EN10MB, &code, error);

	if (!result)
		pcap_freecode(&code);
	return result;
}

struct capture_filter *capture_filter_create(const char *words, struct error_text *error)
{
	struct capture_filter *filter = calloc(1, sizeof(*filter));

	if (filter)
		filter->words = strdup(words);
	if (filter && filter->words)
		return filter;
	free(filter);
	error_text_set(error, "no memory");
	return NULL;
}

void capture_filter_destroy(struct capture_filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++)
		if (filter->programs[i].is_compiled)
			pcap_freecode(&filter->programs[i].code);
	free(filter->words);
	free(filter);
}

/* The program of a link type; NULL: none of its packets matches. */
static const struct program *program_of(struct capture_filter *filter, uint8_t link)
{
	const int type = capture_pcap_link_type(link);
	struct error_text error;
	struct program *program;

	for (size_t i = 0; i < filter->count; i++)
		if (filter->programs[i].link == link)
			return &filter->programs[i];
	if (filter->count == LINK_TYPES || type < 0)
		return NULL;
	program = &filter->programs[filter->count++];
	program->link = link;
	program->is_compiled = compile(filter->words, type, &program->code, &error) == 0;
	if (!program->is_compiled)
		log_warning("filter %s: no packet of link type %d matches", error.text, type);
	return program;
}

static bool takes(struct capture_filter *filter, const struct packet_view *view)
{
	const struct program *program = program_of(filter, view->link);
	const struct pcap_pkthdr header = { .caplen = view->captured_bytes,
					    .len = packet_wire_bytes(view) };

	return program && program->is_compiled &&
	       pcap_offline_filter(&program->code, &header, view->bytes) != 0;
}

size_t capture_filter_apply(struct capture_filter *filter, struct packet_view *views, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		if (takes(filter, &views[i]))
			views[left++] = views[i];
	return left;
}

/* The kernel takes the outermost VLAN tag off: words on tags need libpcap, which looks beside the
 * packet. 'inbound' and 'ifindex' are compiled to what the kernel knows of a packet. */
static bool is_for_kernel(const char *words)
{
	return !strcasestr(words, "vlan");
}

int capture_filter_compile(const char *words, uint8_t link, struct sock_fprog *program)
{
	struct error_text error; /* not shown: libpcap is asked again */
	struct bpf_program code;
	int result = -EOPNOTSUPP;

	if (!is_for_kernel(words) || compile(words, capture_pcap_link_type(link), &code, &error))
		return -EOPNOTSUPP;
	if (code.bf_len > 0 && code.bf_len <= BPF_MAXINSNS) {
		*program = (struct sock_fprog){
			.len = (unsigned short)code.bf_len,
			.filter = calloc(code.bf_len, sizeof(*program->filter)),
		};
		for (unsigned int i = 0; program->filter && i < code.bf_len; i++)
			program->filter[i] = (struct sock_filter){
				.code = code.bf_insns[i].code,
				.jt = code.bf_insns[i].jt,
				.jf = code.bf_insns[i].jf,
				.k = code.bf_insns[i].k,
			};
		result = program->filter ? 0 : -EOPNOTSUPP;
	}
	pcap_freecode(&code);
	return result;
}
