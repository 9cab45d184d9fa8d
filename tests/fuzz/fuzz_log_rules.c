/* fuzz_log_rules.c - any text as what iptables-save and nft print: comments and prefixes in there
 * are anybody's. The first byte chooses. */
#include "agentctl_log_rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_rules rules = { 0 };
	struct error_text error;
	bool has_foreign = false;
	char *text = size ? strndup((const char *)data + 1, size - 1) : NULL;
	char shown[64];

	if (!text)
		return 0;
	if (*data == 'n')
		(void)log_rules_from_nft(text, &rules, &has_foreign, &error);
	else
		(void)log_rules_from_iptables(text, "iptables-nft", "ip", &rules);
	for (size_t i = 0; i < rules.count; i++) {
		log_rule_format(&rules.rules[i], shown, sizeof(shown));
		(void)log_rules_overlap(&rules.rules[0], &rules.rules[i]);
	}
	log_rules_clear(&rules);
	free(text);
	return 0;
}
